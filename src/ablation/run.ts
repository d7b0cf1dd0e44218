import { join } from "node:path";
import {
  configurationHash,
  type Experiment,
  listRuns,
  loadExperiment,
  type Run,
} from "@/experiments/mod.ts";
import { loadStageData, type StageData, type StageOptions, trainStage } from "@/training/mod.ts";
import { type MeasureOptions, measureRows, type TrainedRuns } from "./measure.ts";
import type { AblationResults } from "./results.ts";
import { ABLATION } from "./rows.ts";
import { withAnnotations } from "./truth.ts";

/** Who is told how far an ablation is: what a stage calls, and after each ensemble that is measured. */
export interface AblationWatcher extends Pick<StageOptions, "onStart" | "onBatch" | "onEpoch"> {
  onMeasure?: MeasureOptions["onProgress"];
}

/** The competition's films have no truth for the test films; the phantom's have. */
const TRUTH = "test-rle-truth.csv";

/**
 * Trains what is not yet trained of the ablation, and measures all of its rows.
 *
 * @param root The folder of a phantom.
 * @throws {InterruptedError} If it was stopped; the same call goes on.
 */
export async function runAblation(
  seeds: readonly number[],
  root: string,
  { onMeasure, ...watcher }: AblationWatcher = {},
): Promise<AblationResults> {
  const data = await loadStageData(await loadExperiment("ablation/baseline"), { root });
  const runs = await trainAll(seeds, data, watcher);
  const test = await withAnnotations(data.dataset.test, join(root, TRUTH));
  const rows = await measureRows(ABLATION, {
    seeds,
    runs,
    root,
    validation: data.split.validation,
    test,
    ...(onMeasure && { onProgress: onMeasure }),
  });
  return {
    seeds: [...seeds],
    films: {
      training: data.split.training.length,
      validation: data.split.validation.length,
      test: test.length,
    },
    diceAllEmpty: test.filter(({ positive }) => !positive).length / test.length,
    runs: [...runs].flatMap(([experiment, bySeed]) =>
      [...bySeed].map(([seed, { id, git }]) => ({ experiment, seed, run: id, commit: git.commit }))
    ),
    rows,
  };
}

/** Trains what is not yet trained on these films, one seed after the other. */
async function trainAll(
  seeds: readonly number[],
  data: StageData,
  watcher: StageOptions,
): Promise<TrainedRuns> {
  const names = new Set(
    ABLATION.flatMap(({ members }) => members.map(({ experiment }) => experiment)),
  );
  const runs = new Map([...names].map((name) => [name, new Map<number, Run>()]));
  for (const seed of seeds) {
    for (const [name, bySeed] of runs) {
      const overrides = [`seed=${seed}`];
      const experiment = await loadExperiment(`ablation/${name}`, { overrides });
      const run = await finishedRun(experiment, data) ??
        await trainStage(experiment, { data, ...watcher });
      bySeed.set(seed, run);
    }
  }
  return runs;
}

/** The newest finished run of exactly this configuration on these films. */
async function finishedRun(experiment: Experiment, data: StageData): Promise<Run | undefined> {
  const configuration = configurationHash(experiment);
  const { runs } = await listRuns({ experiment: experiment.name, status: "finished" });
  return runs.find((run) => run.configuration === configuration && run.data.hash === data.hash);
}
