import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { join } from "node:path";
import type { Film } from "@/data/mod.ts";
import { type Member, readRun, type Run } from "@/experiments/mod.ts";
import {
  fitEnsemble,
  type Fitting,
  loadEnsemble,
  type MaskRule,
  type Prediction,
  scoreRules,
  type StepName,
} from "@/postprocessing/mod.ts";
import { loadStageData } from "@/training/mod.ts";
import { withFolder } from "../data/small_dataset.ts";
import { memory } from "../tensorflow/assert_close.ts";
import { tinyExperiment, writeRun, writeSmallDataset } from "./trained_runs.ts";

const ROOT = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(ROOT, { recursive: true }));
await writeSmallDataset(ROOT);

/** Around the probabilities that untrained weights give. */
const GRID = {
  thresholds: [0.3, 0.4, 0.45, 0.5, 0.55, 0.6],
  minimumAreas: [1000],
  tops: [0.5, 0.6],
  areas: [1, 5000],
  bottoms: [0.3, 0.5],
};

const final = (run: Run): Member => ({ run, checkpoint: "final" });

/** The mean dice of rules by the way of a submission: whole masks at full size. */
async function scoresOf(
  rules: MaskRule[],
  parts: { members: Member[]; films: readonly Film[] }[],
  runs: string,
): Promise<number[]> {
  const sums = rules.map(() => 0);
  let count = 0;
  for (const { members, films } of parts) {
    const ensemble = await loadEnsemble(members, { runs, flip: rules[0]!.flip });
    const predictions: AsyncGenerator<Prediction> = ensemble.predict(films, { root: ROOT });
    const scores = (await scoreRules(predictions, films, rules)).map(({ dice }) => dice);
    ensemble.dispose();
    for (const [i, score] of scores.entries()) sums[i]! += score * films.length;
    count += films.length;
  }
  return sums.map((sum) => sum / count);
}

/** The rules of a step, and the score that the fitting has for each. */
function triedBy({ steps }: Fitting, name: StepName) {
  const { tried } = steps.find((step) => step.name === name)!;
  return { rules: tried.map(({ rule }) => rule), scores: tried.map(({ dice }) => dice) };
}

function assertScores(actual: number[], expected: number[]): void {
  assertEquals(actual.length, expected.length);
  for (const [i, score] of actual.entries()) assertAlmostEquals(score, expected[i]!, 1e-9);
}

Deno.test("fitEnsemble() fits checkpoints and sizes to the validation films, and records the rule", () =>
  withFolder(async (runs) => {
    const first = await writeRun(await tinyExperiment(), ROOT, { final: 1, "best-dice": 2 }, {
      runs,
    });
    const larger = await tinyExperiment("data.size=64");
    const second = await writeRun(larger, ROOT, { final: 3 }, { runs });
    const members: Member[] = [
      final(first),
      { run: first, checkpoint: "best-dice" },
      final(second),
    ];
    const { split } = await loadStageData(first.experiment, { root: ROOT });
    const films = split.validation;
    const before = memory();
    const progress: number[][] = [];
    const fitting = await fitEnsemble(members, {
      root: ROOT,
      runs,
      grid: GRID,
      onProgress: ({ done, total }) => progress.push([done, total]),
    });
    assertEquals(memory().numTensors, before.numTensors);
    const total = 2 * films.length;
    assertEquals(progress, Array.from({ length: total + 1 }, (_, i) => [i, total]));

    const { recorded, rule, dice, steps } = fitting;
    assertEquals((await readRun(first.id, runs)).postprocessing, [recorded]);
    assertEquals((await readRun(second.id, runs)).postprocessing, []);
    assertEquals(recorded.members.map(({ run, checkpoint }) => [run, checkpoint]), [
      [first.id, "final"],
      [first.id, "best-dice"],
      [second.id, "final"],
    ]);
    assertEquals([recorded.films, recorded.rule, recorded.dice], [films.length, rule, dice]);
    assertEquals(
      recorded.steps,
      steps.map(({ name, before, after, kept }) => ({ name, before, after, kept })),
    );
    assertEquals(steps.map(({ name }) => name), [
      "flip",
      "threshold",
      "components",
      "triplet",
      "experiment",
    ]);
    const parts = [{ members, films }];
    const { rules, scores } = triedBy(fitting, "threshold");
    assertScores(scores, await scoresOf(rules, parts, runs));
    assertEquals(new Set(scores).size > 2, true, "the rules differ");
    assertScores([dice], await scoresOf([rule], parts, runs));
    const { after } = steps.at(-1)!;
    assertScores([after], await scoresOf([first.experiment.postprocessing], parts, runs));
    assert(dice >= after, "never worse than the experiment's rule");
  }));

Deno.test("fitEnsemble() asks of each fold's films only the model that was not trained on them", () =>
  withFolder(async (runs) => {
    const folds = [];
    for (const fold of [0, 1]) {
      const split = `data.split={ kind: folds, folds: 2, fold: ${fold}, seed: 1 }`;
      const experiment = await tinyExperiment("data.split=null", split);
      const run = await writeRun(experiment, ROOT, { final: 7 + fold }, { runs });
      const data = await loadStageData(experiment, { root: ROOT });
      folds.push({ members: [final(run)], films: data.split.validation });
    }
    const members = folds.flatMap(({ members }) => members);
    const fitting = await fitEnsemble(members, { root: ROOT, runs, grid: GRID });
    assertEquals(fitting.recorded.films, 8);
    const { rules, scores } = triedBy(fitting, "threshold");
    assertScores(scores, await scoresOf(rules, folds, runs));
    const swapped = folds.map(({ films }, i) => ({ members: [members[1 - i]!], films }));
    assertNotEquals(scores, await scoresOf(rules, swapped, runs));
  }));

Deno.test("fitEnsemble() refuses what it cannot fit, and leaves the records as they are", () =>
  withFolder(async (runs) => {
    const experiment = await tinyExperiment();
    const good = await writeRun(experiment, ROOT, { final: 1 }, { runs });
    const stopped = await writeRun(experiment, ROOT, { final: 1 }, { runs, finished: false });
    const elsewhere = { ...good, data: { ...good.data, hash: "0123456789abcdef" } };
    const otherSplit = await writeRun(
      await tinyExperiment("data.split.seed=5"),
      ROOT,
      { final: 1 },
      { runs },
    );
    const torn = await writeRun(experiment, ROOT, { final: 1 }, { runs });
    await Deno.remove(join(runs, torn.id, "final.safetensors"));
    const cases: [members: Member[], error: string, says: string][] = [
      [[], "RangeError", "there is no model"],
      [[final(good), final(stopped)], "RunRecordError", "is not finished: interrupted"],
      [[final(elsewhere)], "RunRecordError", "was trained on other films than those in"],
      [[final(good), final(elsewhere)], "RunRecordError", "not 0123456789ab"],
      [[final(good), final(otherSplit)], "RangeError", "splits that share validation films"],
      [[{ run: good, checkpoint: "ema" }], "RangeError", "no such checkpoint: it has final"],
      [[final(good), final(torn)], "CheckpointError", "it cannot be read"],
    ];
    const before = memory();
    for (const [members, name, says] of cases) {
      const fit = () => fitEnsemble(members, { root: ROOT, runs, grid: GRID });
      const error = await assertRejects(fit, Error, says);
      assertEquals(error.name, name, says);
    }
    assertEquals(memory().numTensors, before.numTensors);
    assertEquals((await readRun(good.id, runs)).postprocessing, []);
  }));
