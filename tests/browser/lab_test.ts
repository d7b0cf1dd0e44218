import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CHROMIUM, screenshot, withBrowser } from "./chromium.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

const hasJupyterLab = await new Deno.Command(join(PROJECT, ".venv/bin/python"), {
  args: ["-c", "import jupyterlab"],
  stderr: "null",
}).output().then(({ success }) => success, () => false);
if (!hasJupyterLab) console.warn("No JupyterLab in .venv: the test of deno task lab is ignored");

/** Starts JupyterLab, and ends it afterwards. */
async function withLab(use: (address: string) => Promise<void>): Promise<void> {
  // What an earlier visitor had open is not opened again.
  const workspaces = await Deno.makeTempDir();
  // deno-fmt-ignore
  const lab = new Deno.Command(Deno.execPath(), {
    args: [
      "run", "-A", "--no-check", join(PROJECT, "src/cli/lab.ts"),
      "--no-browser", "--port=0", "--IdentityProvider.token=",
    ],
    env: { NO_COLOR: "1", JUPYTERLAB_WORKSPACES_DIR: workspaces },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let log = "";
  const address = Promise.withResolvers<string>();
  const reading = (async () => {
    for await (const text of lab.stderr.pipeThrough(new TextDecoderStream())) {
      log += text;
      const found = /(http:\/\/127\.0\.0\.1:\d+)\/lab/.exec(log);
      if (found) address.resolve(found[1]!);
    }
    address.reject(new Error(`JupyterLab has ended: ${log}`));
  })();
  try {
    await use(await address.promise);
  } finally {
    lab.kill("SIGTERM");
    await lab.status;
    await reading;
    await Deno.remove(workspaces, { recursive: true });
  }
}

Deno.test({
  name: "JupyterLab opens on the index, and shows a notebook's charts live",
  ignore: CHROMIUM === undefined || !hasJupyterLab,
  async fn() {
    await withLab(async (address) => {
      await withBrowser({ width: 1400, height: 1000 }, async ({ page, errors, requests }) => {
        await page.goto(address);
        const index = page.locator(".jp-MarkdownViewer");
        await index.locator("h1").waitFor({ timeout: 60_000 });
        assertEquals((await index.locator("h1").innerText()).replace("¶", ""), "The notebooks");
        const files = [...Deno.readDirSync(join(PROJECT, "notebooks"))];
        const notebooks = files.filter(({ name }) => name.endsWith(".ipynb")).length;
        assertEquals(await index.locator("tbody tr").count(), notebooks);
        await screenshot(page, "lab-index");

        await index.locator("tbody a").first().click();
        const notebook = page.locator(".jp-Notebook");
        await notebook.locator(".vega-embed svg, .vega-embed canvas").first()
          .waitFor({ timeout: 60_000 });
        assertMatch(page.url(), /01-data-exploration\.ipynb/);
        await notebook.locator(".jp-RenderedImage img").first().waitFor({ state: "attached" });
        assert(await notebook.locator("text=no renderer").count() === 0);
        await screenshot(page, "lab-notebook");
        assertEquals(errors, []);
        assertEquals(requests.filter((url) => !/^(http|ws):\/\/127\.0\.0\.1:/.test(url)), []);
      });
    });
  },
});
