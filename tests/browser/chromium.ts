import { type Browser, chromium, type Page } from "playwright-core";
import { CHROMIUM } from "./find_chromium.ts";

export { CHROMIUM };

if (CHROMIUM === undefined) {
  console.warn("No Chromium: the tests in a browser are ignored (deno task chromium installs it)");
}

/** A window to look at, and what went wrong in it. */
export interface Watched {
  page: Page;
  /** Errors of scripts and of the console. */
  errors: string[];
  /** Addresses of everything that was asked for, but for data within pages. */
  requests: string[];
}

/** Opens a window, and closes the browser afterwards. */
export async function withBrowser(
  options: { width: number; height: number; scheme?: "light" | "dark" },
  look: (watched: Watched) => Promise<void>,
): Promise<void> {
  // Without the flags for the network Chromium looks for updates at every start.
  // deno-fmt-ignore
  const browser: Browser = await chromium.launch({
    executablePath: CHROMIUM!,
    args: [
      ...(Deno.uid() === 0 ? ["--no-sandbox"] : []), "--disable-gpu", "--disable-quic",
      "--no-first-run", "--disable-background-networking", "--disable-component-update",
      "--disable-sync",
    ],
  });
  try {
    const { width, height, scheme = "light" } = options;
    const page = await browser.newPage({ viewport: { width, height }, colorScheme: scheme });
    const watched: Watched = { page, errors: [], requests: [] };
    page.on("pageerror", (error) => watched.errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      watched.errors.push(`${message.text()} ${message.location().url}`.trim());
    });
    page.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url())) watched.requests.push(request.url());
    });
    await look(watched);
  } finally {
    await browser.close();
  }
}

/** Keeps a picture of the window in the folder that `PNEUMOTHORAX_SCREENSHOTS` names, if it does. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = Deno.env.get("PNEUMOTHORAX_SCREENSHOTS");
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

/**
 * Says which elements stick out of the window or of their own box, other than those that scroll.
 */
export async function overflowing(page: Page): Promise<string[]> {
  return await page.evaluate(`(() => {
    const found = [];
    if (document.documentElement.scrollWidth > innerWidth) found.push("the page");
    for (const element of document.querySelectorAll("main *, nav *")) {
      if (element.closest("svg, details:not([open])")) continue;
      const { overflowX, display } = getComputedStyle(element);
      if (display.startsWith("inline") || overflowX !== "visible") continue;
      if (element.scrollWidth <= element.clientWidth + 1 || element.clientWidth === 0) continue;
      // What scrolls further out may hold what is wider.
      if (element.closest(".scrolls, pre, figure")) continue;
      found.push(element.tagName + " " + element.textContent.slice(0, 60));
    }
    return found;
  })()`);
}
