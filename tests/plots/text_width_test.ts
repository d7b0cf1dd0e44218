import { assertAlmostEquals, assertLess } from "@std/assert";
import { Resvg } from "@resvg/resvg-js";
import { fileURLToPath } from "node:url";
import { textWidth } from "../../src/plots/text_width.ts";

Deno.test("textWidth() adds the advance widths of DejaVu Sans", () => {
  // fontTools, hmtx / unitsPerEm: A 1401, W 2025, "." 651, space 651 of 2048; bold A 1585
  assertAlmostEquals(textWidth("AW. ", 20), (1401 + 2025 + 651 + 651) / 2048 * 20, 0.05);
  assertAlmostEquals(textWidth("A", 10, true), 1585 / 2048 * 10, 0.01);
  assertAlmostEquals(textWidth("", 10), 0);
});

Deno.test("textWidth() is near to what the renderer draws", () => {
  const font = {
    fontFiles: [fileURLToPath(import.meta.resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf"))],
    loadSystemFonts: false,
  };
  for (
    const text of ["Share of marked pixels (%)", "0.25 0.50 0.75 1.00", "Pneumothorax – älter"]
  ) {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="900" height="80">` +
      `<text x="9" y="50" font-family="DejaVu Sans" font-size="40">${text}</text></svg>`;
    const drawn = new Resvg(svg, { font }).getBBox()?.width ?? 0;
    assertLess(Math.abs(textWidth(text, 40) / drawn - 1), 0.06, text);
  }
});
