import { assertEquals, assertThrows } from "@std/assert";
import type { EpochMetrics } from "@/experiments/mod.ts";
import { type CurveMetric, learningCurves, renderSvg } from "@/plots/mod.ts";

/** Four epochs; the second is not validated, and in the fourth there was no positive film. */
const METRICS: EpochMetrics[] = [
  {
    epoch: 1,
    loss: 0.9,
    dice: 0.1,
    validationLoss: 0.8,
    validationDice: 0.5,
    validationDicePositive: 0.2,
  },
  { epoch: 2, loss: 0.7, dice: 0.2 },
  {
    epoch: 3,
    loss: 0.6,
    dice: 0.4,
    validationLoss: 0.7,
    validationDice: 0.6,
    validationDicePositive: 0.3,
  },
  {
    epoch: 4,
    loss: 0.5,
    dice: 0.5,
    validationLoss: 0.65,
    validationDice: 0.7,
    validationDicePositive: NaN,
  },
];

interface Row {
  x: number;
  y: number | null;
  series: string;
}

function rowsOf(metric: CurveMetric, metrics: readonly EpochMetrics[] = METRICS): Row[] {
  const { data } = learningCurves(metrics, metric, { title: "It learns" });
  return (data as { values: Row[] }).values;
}

function seriesOf(metric: CurveMetric, series: string): (number | null)[] {
  return rowsOf(metric).filter((row) => row.series === series).map(({ y }) => y);
}

/** The path of each line in some SVG, as the lengths of its pieces: a gap starts a new piece. */
async function pieces(metric: CurveMetric, metrics = METRICS): Promise<number[][]> {
  const svg = await renderSvg(learningCurves(metrics, metric, { title: "It learns" }));
  const paths = [...svg.matchAll(/aria-roledescription="line mark" d="([^"]*)"/g)];
  return paths.map(([, path]) =>
    path!.split("M").filter((piece) => piece !== "").map((piece) => piece.split("L").length)
  );
}

Deno.test("learningCurves() takes its values from the record", () => {
  assertEquals(seriesOf("loss", "train"), [0.9, 0.7, 0.6, 0.5]);
  assertEquals(seriesOf("loss", "validation"), [0.8, null, 0.7, 0.65]);
  assertEquals(seriesOf("dice", "train"), [0.1, 0.2, 0.4, 0.5]);
  assertEquals(seriesOf("dice", "validation"), [0.5, null, 0.6, 0.7]);
  assertEquals(seriesOf("dice", "validation, positives"), [0.2, null, 0.3, null]);
  assertEquals([...new Set(rowsOf("loss").map(({ series }) => series))], ["train", "validation"]);
  assertEquals([...new Set(rowsOf("loss").map(({ x }) => x))], [1, 2, 3, 4]);
});

Deno.test("learningCurves() leaves gaps where a validation is missing", async () => {
  assertEquals(await pieces("loss"), [[4], [1, 2]]);
  assertEquals(await pieces("dice"), [[4], [1, 2], [1, 1]]);
});

Deno.test("learningCurves() marks a value between two gaps", async () => {
  const svg = await renderSvg(learningCurves(METRICS, "dice", { title: "It learns" }));
  const points = svg.match(/aria-roledescription="point"/g);
  assertEquals(points?.length, 4 + 3 + 2);
});

Deno.test("learningCurves() draws a single epoch, and one that diverged", async () => {
  const { length } = await pieces("loss", METRICS.slice(0, 1));
  assertEquals(length, 2);
  const diverged = [...METRICS, { epoch: 5, loss: NaN, dice: Infinity }];
  assertEquals(rowsOf("loss", diverged).at(4), { x: 5, y: null, series: "train" });
  assertEquals((await pieces("dice", diverged))[0], [4]);
});

Deno.test("learningCurves() names what it shows, and refuses a run without an epoch", async () => {
  const svg = await renderSvg(
    learningCurves(METRICS, "dice", { title: "It learns", subtitle: "phantom/1-128" }),
  );
  for (const text of ["It learns", "phantom/1-128", "epoch", "dice", "validation, positives"]) {
    assertEquals(svg.includes(`>${text}</text>`), true, text);
  }
  assertThrows(() => learningCurves([], "loss", { title: "none" }), RangeError, "no rows");
});
