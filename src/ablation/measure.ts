import type { Film } from "@/data/mod.ts";
import type { Run } from "@/experiments/mod.ts";
import { type MetricValues, SegmentationMetrics } from "@/losses/mod.ts";
import {
  Ensemble,
  fitPostprocessing,
  loadTrainedModel,
  maskOverlap,
  type MaskRule,
  type Prediction,
  toMask,
  withTruth,
} from "@/postprocessing/mod.ts";
import type { AblationRow, Member, Way } from "./rows.ts";
import type { MeasuredRow } from "./results.ts";

/** Finished runs by experiment (without folder) and seed. */
export type TrainedRuns = ReadonlyMap<string, ReadonlyMap<number, Run>>;

/** What rows are measured on. */
export interface MeasureOptions {
  seeds: readonly number[];
  runs: TrainedRuns;
  /** The data set's folder. */
  root: string;
  /** Films that rules are fitted on. */
  validation: readonly Film[];
  /** Films that rows are scored on. */
  test: readonly Film[];
  onProgress?: (progress: { done: number; total: number; what: string }) => void;
}

const PLAIN = { rule: "threshold", flip: false, threshold: 0.5, minimumArea: 0 } as const;

/**
 * Scores each row with each seed. Rows of the same models share their predictions.
 *
 * @throws {RangeError} If a row needs a run that is not there.
 */
export async function measureRows(
  rows: readonly AblationRow[],
  options: MeasureOptions,
): Promise<MeasuredRow[]> {
  const { seeds, onProgress } = options;
  const measured = new Map<AblationRow, MetricValues[]>(rows.map((row) => [row, []]));
  const sameModels = [...Map.groupBy(rows, ({ members }) => keyOf(members)).values()];
  let done = 0;
  for (const seed of seeds) {
    for (const group of sameModels) {
      const what = `seed ${seed}, ${group[0]!.members.map(({ experiment }) => experiment)}`;
      const metrics = await scoreTogether(group, seed, options);
      for (const [i, row] of group.entries()) measured.get(row)!.push(metrics[i]!);
      onProgress?.({ done: ++done, total: seeds.length * sameModels.length, what });
    }
  }
  return rows.map((row) => {
    const metrics = measured.get(row)!;
    return {
      group: row.group,
      name: row.name,
      dice: metrics.map(({ dice }) => dice),
      dicePositive: metrics.map(({ dicePositive }) => dicePositive),
      diceNegative: metrics.map(({ diceNegative }) => diceNegative),
    };
  });
}

/** Two lists of members with the same key are the same models. */
function keyOf(members: readonly Member[]): string {
  return JSON.stringify(
    members.map(({ experiment, checkpoint = "last", nextSeed = false }) => {
      return [experiment, checkpoint === "final" ? "last" : checkpoint, nextSeed];
    }),
  );
}

/** Metrics of rows that have the same models, in their order. */
async function scoreTogether(
  rows: readonly AblationRow[],
  seed: number,
  options: MeasureOptions,
): Promise<MetricValues[]> {
  const { members } = rows[0]!;
  const chosen = members.map((member) => ({ run: runOf(member, seed, options), ...member }));
  const withEnsemble = async <T>(flip: boolean, use: (ensemble: Ensemble) => Promise<T>) => {
    const models = await Promise.all(
      chosen.map(({ run, checkpoint = "final" }) => loadTrainedModel(run, { checkpoint })),
    );
    const ensemble = new Ensemble(models, { flip });
    try {
      return await use(ensemble);
    } finally {
      ensemble.dispose();
    }
  };
  const { root, validation, test } = options;
  const rules = new Map<Way, MaskRule>([
    ["plain", PLAIN],
    ["mirrored", { ...PLAIN, flip: true }],
    ["system", chosen[0]!.run.experiment.postprocessing],
  ]);
  if (rows.some(({ way }) => way === "triplet" || way === "fitted")) {
    const { rule, steps } = await withEnsemble(
      false,
      (plain) =>
        withEnsemble(true, (flipped) =>
          fitPostprocessing({
            plain: plain.predict(validation, { root }),
            flipped: flipped.predict(validation, { root }),
          }, validation)),
    );
    rules.set("fitted", rule);
    rules.set("triplet", steps.find(({ name }) => name === "triplet")!.rule);
  }

  const wanted = rows.map(({ way }) => rules.get(way)!);
  const metrics = wanted.map(() => new SegmentationMetrics());
  for (const flip of [false, true]) {
    const places = wanted.flatMap((rule, i) => rule.flip === flip ? [i] : []);
    if (places.length === 0) continue;
    await withEnsemble(flip, async (ensemble) => {
      await score(
        ensemble.predict(test, { root }),
        test,
        places.map((i) => ({ rule: wanted[i]!, metrics: metrics[i]! })),
      );
    });
  }
  return metrics.map((metric) => metric.values());
}

function runOf(
  { experiment, nextSeed = false }: Member,
  seed: number,
  { seeds, runs }: MeasureOptions,
): Run {
  const own = nextSeed ? seeds[(seeds.indexOf(seed) + 1) % seeds.length]! : seed;
  const run = runs.get(experiment)?.get(own);
  if (run) return run;
  throw new RangeError(
    `Cannot measure ${experiment} as it has no finished run with the seed ${own}: train it first`,
  );
}

async function score(
  predictions: AsyncIterable<Prediction>,
  films: readonly Film[],
  rules: readonly { rule: MaskRule; metrics: SegmentationMetrics }[],
): Promise<void> {
  for await (const { film, truth, probabilities } of withTruth(predictions, films)) {
    for (const { rule, metrics } of rules) {
      const { common, predicted, annotated } = maskOverlap(
        toMask(probabilities, rule, film.sex),
        truth,
      );
      metrics.add(common, predicted, annotated);
    }
  }
}
