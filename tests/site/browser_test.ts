import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath, pathToFileURL } from "node:url";
import { join } from "node:path";
import { readNotebook } from "@/jupyter/mod.ts";
import { writeSite } from "@/site/mod.ts";
import { CHROMIUM, overflowing, screenshot, withBrowser } from "../browser/chromium.ts";

const NOTEBOOKS = fileURLToPath(new URL("../../notebooks/", import.meta.url));
const ignore = CHROMIUM === undefined;

const FOLDER = await Deno.makeTempDir({ prefix: "site-" });
globalThis.addEventListener("unload", () => Deno.removeSync(FOLDER, { recursive: true }));
const NAMES = [...Deno.readDirSync(NOTEBOOKS)].map(({ name }) => name)
  .filter((name) => name.endsWith(".ipynb")).sort();

/** Live charts of a notebook. */
async function chartsOf(notebook: string): Promise<number> {
  const { cells } = await readNotebook(join(NOTEBOOKS, notebook));
  const outputs = cells.flatMap((cell) => cell.cell_type === "code" ? cell.outputs : []);
  return outputs.filter((output) =>
    "data" in output && Object.keys(output.data).some((type) => type.includes("vegalite"))
  ).length;
}

const LOOKS = [
  { width: 1280, height: 900, scheme: "light", names: NAMES },
  // A phone. Two pages are enough: the first has the widest table, the last the widest charts.
  { width: 390, height: 844, scheme: "dark", names: [NAMES[0]!, NAMES.at(-1)!] },
] as const;
for (const look of LOOKS) {
  Deno.test({
    name: `the site of the notebooks opens from disk, ${look.width} px wide, ${look.scheme}`,
    ignore,
    async fn() {
      await writeSite({ folder: NOTEBOOKS, output: FOLDER });
      await withBrowser(look, async ({ page, errors, requests }) => {
        for (const name of ["index.ipynb", ...look.names]) {
          const file = name.replace(".ipynb", ".html");
          await page.goto(pathToFileURL(join(FOLDER, file)).href);
          const charts = name === "index.ipynb" ? 0 : await chartsOf(name);
          await page.waitForFunction(
            `document.querySelectorAll("figure.chart svg").length === ${charts}`,
            undefined,
            { timeout: 10_000 },
          );
          assertEquals(await overflowing(page), [], file);
          await screenshot(page, `${file}-${look.width}-${look.scheme}`);
        }
        assertEquals(errors, []);
        assertEquals(requests.filter((url) => !url.startsWith(pathToFileURL(FOLDER).href)), []);
        const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
        assertEquals(background === "rgb(255, 255, 255)", look.scheme === "light");
      });
    },
  });
}

Deno.test({
  name: "a page's charts tell their values, its contents lead to its sections, code can be hidden",
  ignore,
  async fn() {
    await writeSite({ folder: NOTEBOOKS, output: FOLDER });
    await withBrowser({ width: 1280, height: 900 }, async ({ page, errors }) => {
      await page.goto(pathToFileURL(join(FOLDER, "index.html")).href);
      await page.click("article:first-of-type h2 a");
      assertMatch(page.url(), /01-data-exploration\.html$/);
      await page.locator("figure.chart svg .mark-rect path").first().hover();
      const tooltip = page.locator(".tooltip");
      await tooltip.waitFor({ state: "visible" });
      assertMatch(await tooltip.innerText(), /\d/);
      await screenshot(page, "tooltip");

      const second = page.locator(".contents ul a").nth(1);
      const id = (await second.getAttribute("href"))!;
      await second.click();
      assert(page.url().endsWith(id));
      assertEquals(await page.locator(id).count(), 1);

      const code = page.locator(".cell > pre.code").first();
      assert(await code.isVisible());
      await page.check("#hide-code");
      assert(!await code.isVisible());
      assertEquals(errors, []);
    });
  },
});
