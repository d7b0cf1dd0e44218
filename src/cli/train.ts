import { parseArgs } from "node:util";
import { DatasetError } from "@/data/mod.ts";
import { ExperimentError, listExperiments, loadExperiment, runFolder } from "@/experiments/mod.ts";
import { clearBar, watchStage } from "@/notebook/mod.ts";
import {
  CheckpointError,
  InterruptedError,
  planStage,
  planText,
  trainStage,
} from "@/training/mod.ts";

const HELP = `Trains one or more stages, each from the finished run of its parent.

Usage: deno task train EXPERIMENT... [--data DIR] [--set PATH=VALUE ...]

  deno task train phantom/1-128
  deno task train siim/1-256 siim/2-512 --data /data/siim
  deno task train phantom/1-128 --set training.epochs=3 --set training.loss='{bce: 1, dice: 4}'

Options:
  --data DIR        folder with dicom-images-train and train-rle.csv
                    (default: PNEUMOTHORAX_DATA, else data/phantom-clear)
  --set PATH=VALUE  another value for a field of the experiments; VALUE is YAML; can be repeated
  --dry-run         prints what would be trained and does not: model, memory, films, steps,
                    learning rate, parent; nothing is written
  --list            lists the experiments
  --help            shows this

Ctrl-C saves a checkpoint; the same command then goes on from it. Of several stages, name those that
were left, or the finished ones are trained anew. A run's record and checkpoints are in
experiments/runs/<id>. Exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.`;

/** Runs the command and returns its exit code. */
export async function main(args: string[]): Promise<number> {
  let names: string[];
  let values: {
    data?: string;
    set?: string[];
    "dry-run"?: boolean;
    list?: boolean;
    help?: boolean;
  };
  try {
    ({ positionals: names, values } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        data: { type: "string" },
        set: { type: "string", multiple: true },
        "dry-run": { type: "boolean" },
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
  let left = names;
  try {
    // All files are checked before the first hour is spent.
    const overrides = values.set ?? [];
    const experiments = await Promise.all(names.map((name) => loadExperiment(name, { overrides })));
    const root = values.data === undefined ? {} : { root: values.data };
    if (values["dry-run"]) {
      const plans = [];
      for (const experiment of experiments) {
        plans.push(planText(await planStage(experiment, { ...root, earlier: names })));
      }
      console.log(plans.join("\n\n"));
      return 0;
    }
    for (const experiment of experiments) {
      console.log(`${experiment.name}: ${experiment.description}`);
      const run = await trainStage(experiment, { ...root, ...watchStage() });
      console.log(`finished: ${runFolder(run.id)}`);
      left = left.slice(1);
    }
    return 0;
  } catch (error) {
    clearBar();
    if (error instanceof InterruptedError) {
      console.error(
        `${error.message}. To go on: deno task train ${left.join(" ")}, with the same options`,
      );
      return 130;
    }
    const isExpected = error instanceof ExperimentError || error instanceof CheckpointError ||
      error instanceof DatasetError || error instanceof RangeError;
    console.error(isExpected ? error.message : error);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
