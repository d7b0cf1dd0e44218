import { parseArgs } from "node:util";
import { listExperiments, loadExperiment, runFolder } from "@/experiments/mod.ts";
import { watchStage } from "@/notebook/mod.ts";
import { command } from "./command.ts";
import { interruptible } from "./interruptible.ts";
import { JOB_HELP, JOB_OPTIONS, type JobArguments, parseJobs, runJobs } from "./jobs.ts";

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
  --previous        goes on from the checkpoint before the last one, if that one is damaged
  --unfinished      trains only the stages that are not finished: those of the same configuration,
                    films and parent are taken as they are
  --list            lists the experiments
  --help            shows this

${JOB_HELP}

Ctrl-C saves a checkpoint; the same command then goes on from it. Of several stages, name those that
were left or add --unfinished, or the finished ones are trained anew. A run's record and checkpoints are in
experiments/runs/<id>. Exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.`;

interface Arguments {
  names: string[];
  root: { root?: string };
  overrides: string[];
  dryRun: boolean;
  previous: boolean;
  unfinished: boolean;
  list: boolean;
  jobs: JobArguments | undefined;
  typed: string[];
}

/** Runs the command and returns its exit code. */
export const main = command({ name: "train", help: HELP, parse: parseArguments, run: train });

function parseArguments(args: string[]): Arguments {
  const { values, positionals: names } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      data: { type: "string" },
      set: { type: "string", multiple: true, default: [] },
      "dry-run": { type: "boolean", default: false },
      previous: { type: "boolean", default: false },
      unfinished: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      ...JOB_OPTIONS,
    },
  });
  const { data, set: overrides, "dry-run": dryRun, previous, unfinished, list } = values;
  if (names.length === 0 && !list) {
    throw new RangeError("Cannot train as no experiment is named");
  }
  return {
    names,
    root: data === undefined ? {} : { root: data },
    overrides,
    dryRun,
    previous,
    unfinished,
    list,
    jobs: parseJobs(values),
    typed: args,
  };
}

async function train(
  { names, root, overrides, dryRun, previous, unfinished, list, jobs, typed }: Arguments,
): Promise<number | void> {
  if (list) {
    console.log((await listExperiments()).join("\n"));
    return;
  }
  if (jobs) return await runJobs({ names, overrides, ...root, workers: 1, typed }, jobs);
  // All files are checked before the first hour is spent.
  const experiments = await Promise.all(names.map((name) => loadExperiment(name, { overrides })));
  const { planStage, planText, trainStage } = await import("@/training/mod.ts");
  if (dryRun) {
    const plans = [];
    for (const experiment of experiments) {
      plans.push(planText(await planStage(experiment, { ...root, earlier: names })));
    }
    console.log(plans.join("\n\n"));
    return;
  }
  let left = names;
  return await interruptible(async () => {
    for (const experiment of experiments) {
      console.log(`${experiment.name}: ${experiment.description}`);
      const run = await trainStage(experiment, {
        ...root,
        previous: previous && left.length === names.length,
        reuseFinished: unfinished,
        ...watchStage(),
      });
      console.log(`finished: ${runFolder(run.id)}`);
      left = left.slice(1);
    }
  }, () => `deno task train ${left.join(" ")}, with the same options`);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
