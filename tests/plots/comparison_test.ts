import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as vega from "vega";
import { compile } from "vega-lite";
import { comparison, renderSvg } from "@/plots/mod.ts";

const OPTIONS = { title: "A finding", x: "dice", y: "architecture" };

/** What vega computes for the rows of a chart: the ends of the error bars and the means. */
async function computed(rows: Parameters<typeof comparison>[0]) {
  const { spec } = compile(comparison(rows, OPTIONS));
  const view = await new vega.View(vega.parse(spec), { renderer: "none" }).runAsync();
  const names = Object.keys(view.getState({ data: () => true }).data as object);
  const all = names.flatMap((name) => view.data(name) as Record<string, unknown>[]);
  view.finalize();
  return all;
}

Deno.test("a comparison draws each value, their mean and one standard deviation to each side", async () => {
  const rows = [{ label: "b", values: [0.2, 0.4, 0.6] }, { label: "a", values: [0.5] }];
  const data = await computed(rows);
  // By hand: squares 0.04 + 0 + 0.04, divided by 2, root 0.2.
  const b = data.find((row) => row.label === "b" && "upper_value" in row)!;
  assertAlmostEquals(b.lower_value as number, 0.2, 1e-12);
  assertAlmostEquals(b.upper_value as number, 0.6, 1e-12);
  const a = data.find((row) => row.label === "a" && "mean_value" in row)!;
  assertEquals(a.mean_value, 0.5);

  const svg = await renderSvg(comparison(rows, OPTIONS));
  assert(svg.indexOf(">b<") < svg.indexOf(">a<"), "rows keep their order");
});

Deno.test("a comparison refuses rows without finite values", () => {
  for (const rows of [[], [{ label: "a", values: [] }], [{ label: "a", values: [NaN] }]]) {
    assertThrows(() => comparison(rows, OPTIONS), RangeError, "Cannot compare measurements");
  }
});
