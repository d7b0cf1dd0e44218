import type { Film } from "@/data/mod.ts";
import type { Run } from "@/experiments/mod.ts";
import type { MetricValues } from "@/losses/mod.ts";
import {
  type Ensemble,
  fitPostprocessing,
  loadEnsemble,
  type MaskRule,
  PLAIN_RULE,
  scoreRules,
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
  const sameModels = [...Map.groupBy(rows, ({ members }) => JSON.stringify(members)).values()];
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

/** Metrics of rows that have the same models, in their order. */
async function scoreTogether(
  rows: readonly AblationRow[],
  seed: number,
  options: MeasureOptions,
): Promise<MetricValues[]> {
  const members = rows[0]!.members.map((member) => {
    return { run: runOf(member, seed, options), checkpoint: member.checkpoint ?? "final" };
  });
  const withEnsemble = async <T>(flip: boolean, use: (ensemble: Ensemble) => Promise<T>) => {
    const ensemble = await loadEnsemble(members, { flip });
    try {
      return await use(ensemble);
    } finally {
      ensemble.dispose();
    }
  };
  const { root, validation, test } = options;
  const rules = new Map<Way, MaskRule>([
    ["plain", PLAIN_RULE],
    ["mirrored", { ...PLAIN_RULE, flip: true }],
    ["system", members[0]!.run.experiment.postprocessing],
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
  const metrics: MetricValues[] = [];
  for (const flip of [false, true]) {
    const places = wanted.flatMap((rule, i) => rule.flip === flip ? [i] : []);
    if (places.length === 0) continue;
    const own = await withEnsemble(flip, (ensemble) => {
      return scoreRules(ensemble.predict(test, { root }), test, places.map((i) => wanted[i]!));
    });
    for (const [i, place] of places.entries()) metrics[place] = own[i]!;
  }
  return metrics;
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
