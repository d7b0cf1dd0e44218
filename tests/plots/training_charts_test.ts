import { assert, assertEquals, assertThrows } from "@std/assert";
import type { CheckpointScore, Run } from "@/experiments/mod.ts";
import type { LossPoint } from "@/losses/mod.ts";
import {
  averagesChart,
  chainSchedule,
  checkpointChart,
  constantLossChart,
  drawnShares,
  foundMaskChart,
  memoryChart,
  missedMaskChart,
  pixelLossChart,
  renderSvg,
  scheduleChart,
} from "@/plots/mod.ts";
import type { StagePlan } from "@/training/mod.ts";
import { compiledRows, textsOf, titlesOf } from "./chart_rows.ts";

const positive = { positive: true }, negative = { positive: false };

Deno.test("drawnShares() tells the share of each epoch and of all films", async () => {
  const epochs = [[positive, positive, positive, negative], [positive, negative]];
  const spec = drawnShares(epochs, [positive, negative, negative, negative, negative]);
  assertEquals(titlesOf(spec), {
    title: "From 75 % to 50 % with pneumothorax",
    subtitle: "Films drawn for each epoch; grey: all training films, 20 %",
  });
  assertEquals(compiledRows(spec).map(({ x, y }) => [x, y]), [[1, 75], [2, 50]]);
  await renderSvg(spec);
});

Deno.test("scheduleChart() keeps the rates and says when each is halved", async () => {
  const rates = (...rates: number[]) => rates.map((rate, epoch) => ({ epoch, rate }));
  const spec = scheduleChart({ constant: rates(1, 1, 1), falling: rates(0.1, 1, 0.4) });
  assertEquals(titlesOf(spec).title, "Half of the highest rate: falling at epoch 2");
  assertEquals(compiledRows(spec).map(({ series, x, y }) => [series, x, y]), [
    ["constant", 0, 1],
    ["constant", 1, 1],
    ["constant", 2, 1],
    ["falling", 0, 0.1],
    ["falling", 1, 1],
    ["falling", 2, 0.4],
  ]);
  await renderSvg(spec);
  assertEquals(titlesOf(scheduleChart({ constant: rates(1, 1) })).title, "The rate stays");
});

Deno.test("chainSchedule() puts stages one after the other", async () => {
  const spec = chainSchedule([
    { name: "first", epochs: 2, rates: [{ epoch: 0, rate: 1e-3 }, { epoch: 1, rate: 9e-6 }] },
    { name: "second", epochs: 3, rates: [{ epoch: 0, rate: 1e-4 }, { epoch: 1, rate: 1e-6 }] },
  ]);
  assertEquals(
    titlesOf(spec).title,
    "5 epochs in 2 stages, from a rate of 1e-3 to one of 1e-4 in the last",
  );
  // The last hundredth of a stage is left out.
  assertEquals(compiledRows(spec).map(({ series, x, y }) => [series, x, y]), [
    ["first", 0, 1e-3],
    ["second", 2, 1e-4],
    ["second", 3, 1e-6],
  ]);
  await renderSvg(spec);
});

Deno.test("averagesChart() tells what the last epoch is of each average", async () => {
  const run = { experiment: { name: "phantom/1", training: { epochs: 2 } } } as unknown as Run;
  const spec = averagesChart([
    { epoch: 1, share: 0.5, average: "swa" },
    { epoch: 2, share: 0.5, average: "swa" },
    { epoch: 1, share: 0.1, average: "ema" },
    { epoch: 2, share: 0.9, average: "ema" },
  ], run);
  assertEquals(titlesOf(spec).title, "The last epoch is 50 % of swa, 90 % of ema");
  assertEquals(compiledRows(spec).map(({ y }) => y), [50, 50, 10, 90]);
  await renderSvg(spec);
});

Deno.test("checkpointChart() names the best, and leaves out what was not judged", async () => {
  const score = (checkpoint: CheckpointScore["checkpoint"], dice: number | null) => {
    return { checkpoint, dice, epoch: 1, isFinal: false };
  };
  const spec = checkpointChart([
    { name: "first", scores: [score("last", null), score("best-dice", 0.8)] },
    { name: "second", scores: [score("best-dice", 0.7), score("swa", 0.9)] },
  ]);
  assertEquals(
    titlesOf(spec).title,
    "Best on the validation films: swa of second, dice 0.900",
  );
  const texts = textsOf(await renderSvg(spec));
  assertEquals(texts.filter((text) => /^0\.\d{3}$/.test(text)), ["0.800", "0.700", "0.900"]);
});

Deno.test("memoryChart() compares kept with recomputed activations", async () => {
  const plan = (size: number, total: number) =>
    ({
      memory: { total },
      experiment: { data: { size }, training: { batch: 2 } },
    }) as unknown as StagePlan;
  const spec = memoryChart([
    { kept: plan(512, 4e9), recomputed: plan(512, 2e9) },
    { kept: plan(768, 9e9), recomputed: plan(768, 3e9) },
  ]);
  assertEquals(titlesOf(spec).title, "At 768 px 3.0 GB instead of 9.0 GB");
  assertEquals(compiledRows(spec).map(({ value }) => value), [4, 2, 9, 3]);
  await renderSvg(spec);
});

/** A straight line of a loss. */
function line(series: LossPoint["series"], ...points: [x: number, y: number][]): LossPoint[] {
  return points.map(([x, y]) => ({ series, x, y }));
}

Deno.test("pixelLossChart() compares bce and focal at a probability of 90 %", () => {
  const points = [...line("bce", [0, 1], [2.2, 0.1]), ...line("focal", [0, 0.5], [2.2, 0.01])];
  const spec = pixelLossChart(points);
  assertEquals(
    titlesOf(spec).title,
    "A pixel at 90 % costs 10 times less by focal loss than by bce",
  );
  assertEquals(compiledRows(spec).map(({ y }) => y), [1, 0.1, 0.5, 0.01]);
  const draw = () => pixelLossChart(line("bce", [0, 1]));
  assertThrows(draw, RangeError, "a curve is missing: focal");
});

Deno.test("missedMaskChart() compares the smallest mask with the largest", () => {
  const points = [...line("bce", [0.2, 1], [0.01, 0.05]), ...line("dice", [0.2, 1], [0.01, 0.9])];
  const spec = missedMaskChart(points);
  assertEquals(
    titlesOf(spec).title,
    "A missed mask of 1 % costs bce 5 % of one of 20 %, dice 90 %",
  );
  assertEquals(compiledRows(spec).map(({ x }) => x), [1, 20, 1, 20]);
});

Deno.test("foundMaskChart() tells how far losses fall half way to a logit of 0", () => {
  const points = [
    ...line("dice", [-6, 1], [-3, 0.9], [0, 0.5]),
    ...line("lovasz", [-6, 1], [-3, 0.6], [0, 0.2]),
  ];
  const spec = foundMaskChart(points);
  assertEquals(
    titlesOf(spec).title,
    "Half way to a logit of 0, dice has fallen by 10 %, lovasz by 40 %",
  );
});

Deno.test("constantLossChart() rings the lowest point of each curve", async () => {
  const spec = constantLossChart([
    { positiveShare: 0.2, points: line("lovasz", [-1, 0.3], [0, 0.5]) },
    { positiveShare: 0.8, points: line("lovasz", [-1, 0.9], [0, 0.4]) },
  ]);
  assertEquals(
    titlesOf(spec).title,
    "The best constant logit is -1 with 20 % positive films, 0 with 80 % positive films",
  );
  const { layer } = spec as unknown as { layer: { data?: { values: unknown[] } }[] };
  assertEquals(layer.at(-1)!.data!.values, [{ x: -1, y: 0.3 }, { x: 0, y: 0.4 }]);
  assert((await renderSvg(spec)).includes("logit of every pixel"));
});
