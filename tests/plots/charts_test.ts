import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import sharp from "sharp";
import { compile } from "vega-lite";
import {
  bars,
  binCounts,
  ChartError,
  heatmap,
  histogram,
  lines,
  PALETTE,
  renderPng,
  renderSvg,
  scatter,
  THEME,
  type TopLevelSpec,
} from "@/plots/mod.ts";

const OPTIONS = { title: "A finding", x: "Age (years)", y: "Films" };

const EXAMPLES: Record<string, TopLevelSpec> = {
  histogram: histogram({ positive: [1, 2, 2, 9], negative: [3, 4] }, { ...OPTIONS, bins: 4 }),
  "histogram with an empty series": histogram({ positive: [1, 2], negative: [] }, OPTIONS),
  "histogram of equal values": histogram({ all: [5, 5, 5] }, OPTIONS),
  bars: bars([{ label: "negative", value: 8296 }, { label: "positive", value: 2379 }], OPTIONS),
  "bars in groups": bars([
    { label: "PA", value: 3, series: "positive" },
    { label: "PA", value: 9, series: "negative" },
    { label: "AP", value: 4, series: "positive" },
    { label: "AP", value: 5, series: "negative" },
  ], { ...OPTIONS, format: ".1f" }),
  lines: lines([
    { x: 1, y: 0.9, series: "train" },
    { x: 2, y: 0.5, series: "train" },
    { x: 1, y: 0.8, series: "validation" },
    { x: 2, y: null, series: "validation" },
  ], OPTIONS),
  "smoothed lines": lines([
    { x: 1, y: 1, series: "train" },
    { x: 2, y: 0.1, series: "train" },
  ], { ...OPTIONS, smoothing: 0.5, fromZero: true }),
  "logarithmic line": lines(
    [{ x: 1, y: 1e-3, series: "rate" }, { x: 2, y: 1e-5, series: "rate" }],
    {
      ...OPTIONS,
      logarithmic: true,
    },
  ),
  "lines above a grey one, with a ring": lines([{ x: 1, y: 1, series: "train" }], {
    ...OPTIONS,
    below: [{ x: 1, y: 2, series: "earlier" }, { x: 3, y: 4, series: "earlier" }],
    ringed: [{ x: 1, y: 1 }],
  }),
  heatmap: heatmap([0, 1, 2, 3, 4, 5], { rows: 2, columns: 3 }, {
    ...OPTIONS,
    legend: "Share",
    format: ".0%",
  }),
  scatter: scatter([{ x: 1, y: 2 }, { x: 3, y: 4 }], OPTIONS),
  "scatter in groups": scatter([{ x: 1, y: 2, series: "positive" }, { x: 3, y: 4, series: "b" }], {
    ...OPTIONS,
    subtitle: "n = 2",
  }),
};

/** The rows of the data that vega gets after compiling. */
function compiledRows(spec: TopLevelSpec): Record<string, unknown>[] {
  const { spec: compiled } = compile(spec);
  const source = compiled.data?.find((data) => "values" in data) as {
    values: Record<string, unknown>[];
  };
  return source.values;
}

for (const [name, spec] of Object.entries(EXAMPLES)) {
  Deno.test(`renderSvg() draws ${name} without a warning, with title and axis titles`, async () => {
    const svg = await renderSvg(spec);
    for (const text of ["A finding", "Age (years)", "Films"]) {
      assert(svg.includes(`>${text}</text>`), `"${text}" is missing`);
    }
    assert(svg.includes("DejaVu Sans"));
    assert(!/NaN|undefined|Infinity/.test(svg));
  });
}

Deno.test("binCounts() counts as numpy.histogram does", () => {
  // numpy.histogram([0, 0.5, 1, 1.5, 2, 2, 4], bins=4) -> [2, 2, 2, 1], edges 0, 1, 2, 3, 4
  assertEquals(binCounts([0, 0.5, 1, 1.5, 2, 2, 4], { bins: 4 }), [
    { start: 0, end: 1, count: 2 },
    { start: 1, end: 2, count: 2 },
    { start: 2, end: 3, count: 2 },
    { start: 3, end: 4, count: 1 },
  ]);
  // numpy.histogram([5, 6], bins=2, range=(0, 10)) -> [0, 2]
  assertEquals(binCounts([5, 6], { bins: 2, from: 0, to: 10 }).map((bin) => bin.count), [0, 2]);
  const total = (values: number[]) => binCounts(values).reduce((sum, bin) => sum + bin.count, 0);
  assertEquals(total([7]), 1);
  assertEquals(total(Array.from({ length: 999 }, (_, i) => Math.sin(i))), 999);
});

Deno.test("binCounts() refuses what it cannot count", () => {
  assertThrows(() => binCounts([]), RangeError, "there are none");
  assertThrows(() => binCounts([1, NaN]), RangeError, "number 1 is not finite");
  assertThrows(() => binCounts([1, 5], { to: 4 }), RangeError, "outside");
  assertThrows(() => binCounts([1], { bins: 0 }), RangeError, "number of bins");
});

Deno.test("histogram() keeps the counts of each series", () => {
  const rows = compiledRows(EXAMPLES["histogram"]!);
  const counts = (series: string) =>
    rows.filter((row) => row["series"] === series).map((row) => row["count"]);
  // Bins of width 2 from 1 to 9.
  assertEquals(counts("positive"), [3, 0, 0, 1]);
  assertEquals(counts("negative"), [0, 2, 0, 0]);
});

Deno.test("bars(), lines() and scatter() keep the given numbers", () => {
  assertEquals(compiledRows(EXAMPLES["bars"]!), [
    { label: "negative", value: 8296, series: "" },
    { label: "positive", value: 2379, series: "" },
  ]);
  assertEquals(compiledRows(EXAMPLES["lines"]!).map((row) => row["y"]), [0.9, 0.5, 0.8, null]);
  assertEquals(compiledRows(EXAMPLES["scatter"]!), [
    { x: 1, y: 2, series: "" },
    { x: 3, y: 4, series: "" },
  ]);
});

Deno.test("lines() sorts each series by x", () => {
  const spec = lines([
    { x: 3, y: 30, series: "b" },
    { x: 1, y: 1, series: "a" },
    { x: 2, y: 20, series: "b" },
  ], OPTIONS);
  assertEquals(compiledRows(spec).map((row) => row["y"]), [20, 30, 1]);
});

Deno.test("lines() smooths with the bias-corrected exponential moving average", () => {
  // Weight 0.5, values 1 and 0.1: 0.5 / 0.5 = 1, then (0.25 + 0.05) / 0.75 = 0.4.
  const averages = compiledRows(EXAMPLES["smoothed lines"]!).map((row) => row["average"] as number);
  assertEquals(averages.map((value) => value.toFixed(12)), ["1.000000000000", "0.400000000000"]);
});

Deno.test("heatmap() keeps each number at its row and column", () => {
  const rows = compiledRows(EXAMPLES["heatmap"]!);
  assertEquals(rows.length, 6);
  assertEquals(rows[4], { row: 1, column: 1, value: 4 });
});

Deno.test("chart functions refuse data that cannot be drawn", () => {
  const ill: [() => unknown, string][] = [
    [() => bars([], OPTIONS), "no rows"],
    [() => bars([{ label: "a", value: NaN }], OPTIONS), "not finite"],
    [() => lines([], OPTIONS), "no rows"],
    [() => lines([{ x: 1, y: Infinity, series: "a" }], OPTIONS), "not finite"],
    [() => lines([{ x: 1, y: 1, series: "a" }], { ...OPTIONS, smoothing: 1 }), "[0, 1)"],
    [
      () => lines([{ x: 1, y: 1, series: "a" }], { ...OPTIONS, ringed: [{ x: 1, y: NaN }] }),
      "not finite",
    ],
    [() => scatter([], OPTIONS), "no rows"],
    [() => heatmap([1], { rows: 1, columns: 2 }, { ...OPTIONS, legend: "" }), "1 x 2"],
    [() => histogram({}, OPTIONS), "none"],
  ];
  for (const [draw, message] of ill) assertThrows(draw, RangeError, message);
});

Deno.test("renderSvg() fails where vega-lite would only warn", async () => {
  const data = { values: [{ a: 1 }] };
  const field = { field: "a", type: "quantitative" as const };
  const dropped: TopLevelSpec = { data, mark: "bar", encoding: { x: field, shape: field } };
  await assertRejects(() => renderSvg(dropped), ChartError, "warns: shape dropped");
  const noMark = { data: { values: [] }, encoding: {} };
  await assertRejects(
    () => renderSvg(noMark as unknown as TopLevelSpec),
    ChartError,
    "Cannot draw",
  );
});

Deno.test("renderPng() draws at twice the size of the SVG, with visible text", async () => {
  const spec = EXAMPLES["bars"]!;
  const svg = await renderSvg(spec);
  const [, width, height] = /width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
  const png = await renderPng(spec);
  assertEquals(png.subarray(0, 8).toHex(), "89504e470d0a1a0a");
  const metadata = await sharp(png).metadata();
  assertEquals([metadata.width, metadata.height], [2 * Number(width), 2 * Number(height)]);

  const dark = async (text: string) => {
    const picture = await renderPng({ ...spec, title: { text, color: "#000000" } });
    const pixels = await sharp(picture).greyscale().raw().toBuffer();
    return pixels.reduce((count, value) => count + Number(value < 40), 0);
  };
  const [blank, short, long] = [
    await dark(" "),
    await dark("Films"),
    await dark("Films and films"),
  ];
  assert(short > blank + 200, `a title must add dark pixels: ${blank}, ${short}`);
  assert(long > short * 1.5, `a longer title must add more: ${short}, ${long}`);
});

Deno.test("PALETTE holds the colours of Okabe and Ito", () => {
  // RGB of the publication: sky blue 86 180 233, bluish green 0 158 115, vermillion 213 94 0
  assertEquals(PALETTE.sky, "#56B4E9");
  assertEquals(PALETTE.green, "#009E73");
  assertEquals(PALETTE.vermillion, "#D55E00");
  assertEquals(THEME.font, "DejaVu Sans");
});
