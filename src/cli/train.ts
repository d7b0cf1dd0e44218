import { parseArgs } from "node:util";
import { DatasetError } from "@/data/mod.ts";
import { ExperimentError, listExperiments, loadExperiment, runFolder } from "@/experiments/mod.ts";
import { watchStage } from "@/notebook/mod.ts";
import { PretrainedError } from "@/pretrained/mod.ts";
import { CheckpointError, InterruptedError, trainStage } from "@/training/mod.ts";

const HELP = `Trains one or more stages, each from the finished run of its parent.

Usage: deno task train EXPERIMENT... [--data DIR] [--set PATH=VALUE ...]

  deno task train phantom/1-128
  deno task train siim/1-256 siim/2-512 --data /data/siim
  deno task train phantom/1-128 --set training.epochs=3 --set training.loss='{bce: 1, dice: 4}'

Options:
  --data DIR        folder with dicom-images-train and train-rle.csv
                    (default: PNEUMOTHORAX_DATA, else data/phantom-clear)
  --set PATH=VALUE  another value for a field of the experiments; VALUE is YAML; can be repeated
  --list            lists the experiments
  --help            shows this

Ctrl-C saves a checkpoint; the same command then goes on from it. A run's record and checkpoints are
in experiments/runs/<id>. Exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.`;

/** Runs the command and returns its exit code. */
export async function main(args: string[]): Promise<number> {
  let names: string[];
  let values: { data?: string; set?: string[]; list?: boolean; help?: boolean };
  try {
    ({ positionals: names, values } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        data: { type: "string" },
        set: { type: "string", multiple: true },
        list: { type: "boolean" },
        help: { type: "boolean" },
      },
    }));
    if (names.length === 0 && !values.list && !values.help) {
      throw new RangeError("Cannot train as no experiment is named");
    }
  } catch (error) {
    console.error(`${(error as Error).message}\nSee: deno task train --help`);
    return 2;
  }
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (values.list) {
    console.log((await listExperiments()).join("\n"));
    return 0;
  }
  try {
    // All files are checked before the first hour is spent.
    const overrides = values.set ?? [];
    const experiments = await Promise.all(names.map((name) => loadExperiment(name, { overrides })));
    const root = values.data === undefined ? {} : { root: values.data };
    for (const experiment of experiments) {
      console.log(`${experiment.name}: ${experiment.description}`);
      const run = await trainStage(experiment, { ...root, ...watchStage() });
      console.log(`finished: ${runFolder(run.id)}`);
    }
    return 0;
  } catch (error) {
    if (error instanceof InterruptedError) {
      console.error(`${error.message}. The same command goes on from the checkpoint`);
      return 130;
    }
    const isExpected = error instanceof ExperimentError || error instanceof CheckpointError ||
      error instanceof DatasetError || error instanceof PretrainedError ||
      error instanceof RangeError;
    console.error(isExpected ? error.message : error);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
