import { assert, assertEquals, assertThrows } from "@std/assert";
import type { EpochMetrics, Run } from "@/experiments/mod.ts";
import { type CurveMetric, learningCurves, renderSvg, runCurves } from "@/plots/mod.ts";
import { textsOf } from "./chart_rows.ts";

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

Deno.test("learningCurves() smooths long runs and keeps the raw line", async () => {
  const long = Array.from({ length: 8 }, (_, i) => ({ epoch: i + 1, loss: 2 ** -i }));
  const [seven, eight] = [await pieces("loss", long.slice(0, 7)), await pieces("loss", long)];
  assertEquals(seven.filter((line) => line.length > 0), [[7]]);
  assertEquals(eight.filter((line) => line.length > 0), [[8], [8]]);
});

Deno.test("learningCurves() rings the best epoch", async () => {
  const points = async (best?: number) => {
    const options = best === undefined ? {} : { best };
    const svg = await renderSvg(
      learningCurves(METRICS, "dice", { title: "It learns", ...options }),
    );
    return svg.match(/aria-roledescription="point"/g)!.length;
  };
  assertEquals(await points(3), await points() + 1);
});

Deno.test("learningCurves() draws earlier stages in grey before this one", async () => {
  const stage = (name: string, metrics: EpochMetrics[]) => ({ metrics, experiment: { name } });
  const draw = (earlier: ReturnType<typeof stage>[]) =>
    learningCurves(METRICS, "dice", { title: "It learns", earlier, best: 3 });
  const grey = (svg: string) => svg.match(/stroke="#999999" stroke-width="2"/g)?.length ?? 0;
  assertEquals(grey(await renderSvg(draw([]))), 0);
  const spec = draw([stage("first", METRICS.slice(0, 1)), stage("second", METRICS.slice(0, 2))]);
  const svg = await renderSvg(spec);
  assertEquals(grey(svg), 2);
  assertEquals(textsOf(svg).filter((text) => text.startsWith("stage")), ["stage 2", "stage 3"]);
  const { data, layer } = spec as unknown as {
    data: { values: Row[] };
    layer: { data?: { values: Row[] } }[];
  };
  // Three epochs came before.
  assertEquals([...new Set(data.values.map(({ x }) => x))], [4, 5, 6, 7]);
  const below = layer.flatMap(({ data }) => data?.values ?? []).filter(({ series }) => series);
  assertEquals(below.map(({ x, y, series }) => [x, y, series]), [
    [1, 0.5, "first"],
    [2, 0.5, "second"],
    [3, null, "second"],
  ]);
  // The ring is where this stage's third epoch is.
  const ring = layer.at(-1)!.data!.values;
  assertEquals(ring.map(({ x, y }) => [x, y]), [[6, 0.6]]);
});

/** A run with the metrics above, as far as its curves are concerned. */
function runOf(checkpoints: Partial<Run["checkpoints"]>, name = "phantom/2-192"): Run {
  const metrics = METRICS.map((epoch) => ({ ...epoch, validationDiceAllEmpty: 0.55 }));
  return { id: "a run", experiment: { name }, metrics, checkpoints } as unknown as Run;
}

Deno.test("runCurves() says what the curves show", async () => {
  const run = runOf({
    "best-loss": { file: "", sha256: "", epoch: 4, value: 0.65 },
    "best-dice": { file: "", sha256: "", epoch: 4, value: 0.7 },
  });
  const texts = async (metric: CurveMetric, earlier?: Run) => {
    const svg = await renderSvg(runCurves(run, metric, earlier ? { earlier: [earlier] } : {}));
    return [...svg.matchAll(/>([^<]+)<\/text>/g)].map(([, text]) => text!);
  };
  const loss = await texts("loss");
  assert(loss.includes("Lowest validation loss 0.650 after epoch 4, 0.500 in training"), `${loss}`);
  assert(loss.includes("phantom/2-192"), `${loss}`);
  const dice = await texts("dice", runOf({}, "phantom/1-128"));
  assert(dice.includes("Best validation dice 0.700 after epoch 4"), `${dice}`);
  const subtitle = "phantom/2-192; all-empty masks score 0.550; " +
    "grey: validation of the stages before";
  assert(dice.includes(subtitle), `${dice}`);
  assertThrows(() => runCurves(runOf({}), "loss"), RangeError, "a run has 4 epochs");
});
