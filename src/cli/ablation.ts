import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  ABLATION,
  ablationTable,
  measureRows,
  type TrainedRuns,
  withAnnotations,
  writeAblation,
} from "@/ablation/mod.ts";
import {
  configurationHash,
  type Experiment,
  listRuns,
  loadExperiment,
  projectFolder,
  type Run,
} from "@/experiments/mod.ts";
import { clearBar, Progress, watchStage } from "@/notebook/mod.ts";
import { writePhantomDataset } from "@/phantom/mod.ts";
import { InterruptedError, loadStageData, type StageData, trainStage } from "@/training/mod.ts";
import { command } from "./command.ts";

const HELP = `Measures what each part of the system is worth: trains every experiment of
experiments/ablation with several seeds on synthetic films, and compares them on 160 other films.

Usage: deno task ablation [--seeds N] [--data DIR]

  deno task ablation             about an hour on two CPU cores
  deno task ablation --seeds 1   the same without error bars

Options:
  --seeds N    seeds 1 to N (default: 3)
  --data DIR   the synthetic films (default: data/phantom-ablation; written if it is not there)
  --help       shows this

Runs that are finished are not trained again; after Ctrl-C the same command goes on. The results are
written to experiments/ablation/results.json, which notebook 6 shows. Exit code: 0 done, 1 failed,
2 wrong usage, 130 interrupted.`;

/** The competition's films have no truth for the test films; the phantom's have. */
const TRUTH = "test-rle-truth.csv";

interface Arguments {
  seeds: number[];
  root: string;
}

/** Runs the command and returns its exit code. */
export const main = command({ name: "ablation", help: HELP, parse: parseArguments, run: ablation });

function parseArguments(args: string[]): Arguments {
  const { values: { seeds, data } } = parseArgs({
    args,
    options: {
      seeds: { type: "string", default: "3" },
      data: { type: "string", default: join(projectFolder, "data", "phantom-ablation") },
    },
  });
  if (!/^[1-9]\d?$/.test(seeds)) {
    throw new RangeError(`--seeds must be a whole number from 1 to 99: ${seeds}`);
  }
  return { seeds: Array.from({ length: Number(seeds) }, (_, i) => i + 1), root: data };
}

async function ablation({ seeds, root }: Arguments): Promise<number | void> {
  await writePhantomDataset({
    directory: root,
    train: 240,
    test: 160,
    seed: 1,
    difficulty: "clear",
  });
  try {
    await runAblation(root, seeds);
  } catch (error) {
    clearBar();
    if (!(error instanceof InterruptedError)) throw error;
    console.error(`${error.message}. To go on, run the same command again`);
    return 130;
  }
}

async function runAblation(root: string, seeds: readonly number[]): Promise<void> {
  const names = new Set(
    ABLATION.flatMap(({ members }) => members.map(({ experiment }) => experiment)),
  );
  const baseline = await loadExperiment("ablation/baseline");
  const data = await loadStageData(baseline, { root });
  const runs = await trainAll([...names], seeds, data);
  const test = await withAnnotations(data.dataset.test, join(root, TRUTH));
  let progress: Progress | undefined;
  const rows = await measureRows(ABLATION, {
    seeds,
    runs,
    root,
    validation: data.split.validation,
    test,
    onProgress: ({ done, total, what }) => {
      progress ??= new Progress(total, { label: "measuring", unit: "ensembles" });
      void progress.update(done, what);
    },
  });
  await progress?.finish();

  const results = {
    seeds: [...seeds],
    films: {
      training: data.split.training.length,
      validation: data.split.validation.length,
      test: test.length,
    },
    diceAllEmpty: test.filter(({ positive }) => !positive).length / test.length,
    runs: [...runs].flatMap(([experiment, bySeed]) =>
      [...bySeed].map(([seed, run]) => ({
        experiment,
        seed,
        run: run.id,
        commit: run.git.commit ?? null,
      }))
    ),
    rows,
  };
  await writeAblation(results);
  console.table(ablationTable(results));
}

/** Trains what is not yet trained on these films, one seed after the other. */
async function trainAll(
  names: readonly string[],
  seeds: readonly number[],
  data: StageData,
): Promise<TrainedRuns> {
  const runs = new Map<string, Map<number, Run>>(names.map((name) => [name, new Map()]));
  for (const seed of seeds) {
    for (const name of names) {
      const overrides = [`seed=${seed}`];
      const experiment = await loadExperiment(`ablation/${name}`, { overrides });
      const run = await finishedRun(experiment, data) ??
        await trainStage(experiment, { data, ...watchStage() });
      runs.get(name)!.set(seed, run);
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

if (import.meta.main) Deno.exit(await main(Deno.args));
