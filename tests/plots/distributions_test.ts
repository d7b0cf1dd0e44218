import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  distributions,
  heatmap,
  histogram,
  lines,
  panels,
  renderSvg,
  scatter,
  shares,
} from "@/plots/mod.ts";
import { wilson } from "@/plots/shares.ts";
import { compiledRows, textsOf } from "./chart_rows.ts";

const TITLES = { title: "A finding", x: "area (%)" };

Deno.test("distributions() keeps each value in its row", async () => {
  const spec = distributions([
    { group: "sex", label: "women", values: [1, 3, 2] },
    { group: "sex", label: "men", values: [4] },
    { group: "age", label: "young", values: [5, 6] },
  ], { ...TITLES, logarithmic: true });
  assertEquals(compiledRows(spec).map(({ name, value }) => [name, value]), [
    ["women (3)", 1],
    ["women (3)", 3],
    ["women (3)", 2],
    ["men (1)", 4],
    ["young (2)", 5],
    ["young (2)", 6],
  ]);
  const texts = textsOf(await renderSvg(spec));
  const places = ["sex", "women (3)", "men (1)", "age", "young (2)"];
  assertEquals(texts.filter((text) => places.includes(text)), places);
  assert(texts.includes("area (%)"));
});

Deno.test("distributions() marks the median", async () => {
  // No value is 7: only the median of the four can stand there.
  const svg = await renderSvg(distributions([{ label: "a", values: [1, 4, 10, 20] }], TITLES));
  assertEquals(svg.match(/aria-label="[^"]*: 7;/g)?.length, 1);
});

Deno.test("distributions() refuses what it cannot place", () => {
  assertThrows(() => distributions([{ label: "a", values: [] }], TITLES), RangeError);
  const rows = [{ label: "a", values: [0, 1] }];
  const draw = () => distributions(rows, { ...TITLES, logarithmic: true });
  assertThrows(draw, RangeError, "a value is not above 0: 0");
});

Deno.test("shares() draws each share with its interval and leaves empty rows out", async () => {
  const spec = shares([
    { group: "view", label: "PA", count: 4, of: 10 },
    { group: "view", label: "AP", count: 0, of: 0 },
  ], TITLES);
  const [row, ...others] = compiledRows(spec);
  assertEquals(others, []);
  assertEquals([row!["name"], row!["share"]], ["PA (10)", 0.4]);
  const texts = textsOf(await renderSvg(spec));
  for (const text of ["view", "PA (10)", "40%"]) assert(texts.includes(text), text);
  assertThrows(() => shares([{ label: "a", count: 0, of: 0 }], TITLES), RangeError, "none");
  assertThrows(
    () => shares([{ label: "a", count: 3, of: 2 }], TITLES),
    RangeError,
    "from 0 to 2: 3",
  );
});

Deno.test("wilson() equals statsmodels' proportion_confint(method='wilson')", () => {
  const rounded = (count: number, of: number) => wilson(count, of).map((x) => +x.toFixed(4));
  assertEquals(rounded(4, 10), [0.1682, 0.6873]);
  assertEquals(rounded(0, 10), [0, 0.2775]);
  assertEquals(rounded(10, 10), [0.7225, 1]);
});

Deno.test("histogram() on a logarithmic axis has bins of equal ratio and keeps the counts", async () => {
  const spec = histogram({ positive: [1, 2, 20, 100] }, {
    ...TITLES,
    y: "films",
    bins: 2,
    logarithmic: true,
  });
  const rows = compiledRows(spec).map(({ start, end, count }) => [start, end, count]);
  assertEquals(rows, [[1, 10, 2], [10, 100, 2]]);
  await renderSvg(spec);
});

Deno.test("heatmap() writes values, frames cells and shares a scale", async () => {
  const spec = heatmap([0.1, 0.2, 0.3, 0.4], { rows: 2, columns: 2 }, {
    ...TITLES,
    y: "",
    legend: null,
    written: true,
    format: ".2f",
    marked: [{ row: 1, column: 0 }],
    domain: [0, 1],
  });
  assertEquals(compiledRows(spec).map(({ value }) => value), [0.1, 0.2, 0.3, 0.4]);
  const svg = await renderSvg(spec);
  for (const text of ["0.10", "0.20", "0.30", "0.40"]) assert(textsOf(svg).includes(text), text);
  assertEquals(svg.match(/stroke="#D55E00"/g)?.length, 1);
  // On a scale to 1 even the highest is dark: white text.
  assertEquals(svg.match(/<text[^>]*fill="#FFFFFF"/gi)?.length, 4);
});

Deno.test("lines() marks where something begins", async () => {
  const spec = lines([{ x: 1, y: 1, series: "train" }, { x: 4, y: 2, series: "train" }], {
    ...TITLES,
    y: "dice",
    marks: [{ x: 2.5, text: "stage 2" }],
  });
  assert(textsOf(await renderSvg(spec)).includes("stage 2"));
});

Deno.test("scatter() on a logarithmic axis keeps the numbers", async () => {
  const spec = scatter([{ x: 1, y: 2 }, { x: 100, y: 3 }], {
    ...TITLES,
    y: "y",
    logarithmic: true,
  });
  assertEquals(compiledRows(spec).map(({ x, y }) => [x, y]), [[1, 2], [100, 3]]);
  await renderSvg(spec);
});

Deno.test("panels() draws all charts under one title", async () => {
  const chart = (title: string) => scatter([{ x: 1, y: 2 }], { ...TITLES, title, y: "y" });
  const spec = panels([chart("left"), chart("right")], { title: "Both", subtitle: "of them" });
  const texts = textsOf(await renderSvg(spec));
  for (const text of ["Both", "of them", "left", "right"]) assert(texts.includes(text), text);
  assertThrows(() => panels([], { title: "none" }), RangeError, "there are none");
});

Deno.test("a title that is wider than its chart is broken into lines", async () => {
  const title = "A finding that takes far more words than a chart of this small width has room for";
  const svg = await renderSvg(scatter([{ x: 1, y: 2 }], { ...TITLES, title, y: "y", width: 200 }));
  assert(!textsOf(svg).includes(title));
  const words = title.split(" ");
  const shown = [...svg.matchAll(/<tspan[^>]*>([^<]+)<\/tspan>/g)].map(([, text]) => text!);
  const all = [...shown, ...textsOf(svg)].join(" ");
  assertEquals(words.filter((word) => !all.includes(word)), []);
});
