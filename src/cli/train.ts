import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { listExperiments, loadExperiment, runFolder } from "@/experiments/mod.ts";
import {
  CLUSTER_VARIABLE,
  joinCluster,
  launchWorkers,
  parseTfConfig,
  workerGpus,
} from "@/cluster/mod.ts";
import { thisMachine } from "@/doctor/mod.ts";
import { watchStage } from "@/notebook/mod.ts";
import { command, UsageError } from "./command.ts";
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
  --workers N       trains in N processes of this machine together, each on its part of every batch
                    and on a GPU of its own; where TensorFlow uses none, or training.device is
                    cpu, each has its part of the cores
  --worker-timeout S  seconds without a sign of life after which a worker is given up (default: 60)
  --start-timeout S   seconds until all workers must have started (default: 300)
  --unfinished      trains only the stages that are not finished: those of the same configuration,
                    films and parent are taken as they are
  --list            lists the experiments
  --help            shows this

${JOB_HELP}

Where TF_CONFIG names a cluster ({"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker",
"index": 0}}) this process is one of its workers: start the same command on each. Only the chief, the
first of them, writes a record and prints. See src/cluster/README.md.

Ctrl-C saves a checkpoint; the same command then goes on from it. Of several stages, name those that
were left or add --unfinished, or the finished ones are trained anew. A run's record and checkpoints
are in experiments/runs/<id>. Exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.`;

interface Arguments {
  /** As they were given. */
  args: readonly string[];
  names: string[];
  root: { root?: string };
  overrides: string[];
  dryRun: boolean;
  previous: boolean;
  unfinished: boolean;
  list: boolean;
  jobs: JobArguments | undefined;
  /** Processes of this machine to start, instead of training in this one. */
  workers: number | undefined;
  timeouts: { timeout?: number; startTimeout?: number };
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
      workers: { type: "string" },
      "worker-timeout": { type: "string" },
      "start-timeout": { type: "string" },
      ...JOB_OPTIONS,
    },
  });
  const { data, set: overrides, "dry-run": dryRun, previous, unfinished, list } = values;
  const above0 = (name: "workers" | "worker-timeout" | "start-timeout"): number | undefined => {
    const text = values[name];
    if (text === undefined) return undefined;
    const number = Number(text);
    if (text.trim() !== "" && number > 0 && Number.isFinite(number)) return number;
    throw new RangeError(`Cannot train as --${name} must be a number above 0: ${text}`);
  };
  const [timeout, startTimeout] = [above0("worker-timeout"), above0("start-timeout")];
  const workers = above0("workers");
  if (workers !== undefined && !Number.isInteger(workers)) {
    throw new RangeError(`Cannot train as --workers must be a whole number: ${workers}`);
  }
  if (names.length === 0 && !list) {
    throw new RangeError("Cannot train as no experiment is named");
  }
  const jobs = parseJobs(values);
  if (jobs && (dryRun || previous)) {
    const what = dryRun ? "--dry-run" : "--previous";
    throw new RangeError(
      `Cannot make jobs with ${what}, which is for a stage that is trained here. Leave one out`,
    );
  }
  return {
    args,
    names,
    root: data === undefined ? {} : { root: data },
    overrides,
    dryRun,
    previous,
    unfinished,
    list,
    jobs,
    workers,
    timeouts: {
      ...(timeout !== undefined && { timeout }),
      ...(startTimeout !== undefined && { startTimeout }),
    },
  };
}

async function train(options: Arguments): Promise<number | void> {
  const {
    names,
    root,
    overrides,
    dryRun,
    previous,
    unfinished,
    list,
    workers,
    timeouts,
    args,
    jobs,
  } = options;
  if (list) {
    console.log((await listExperiments()).join("\n"));
    return;
  }
  if (jobs) {
    const training = { names, overrides, ...root, workers: workers ?? 1, timeouts, typed: args };
    return await runJobs(training, jobs);
  }
  // All files are checked before the first hour is spent.
  const experiments = await Promise.all(names.map((name) => loadExperiment(name, { overrides })));
  const spec = parseTfConfig(Deno.env.get(CLUSTER_VARIABLE));
  if (workers !== undefined && workers > 1 && !dryRun) {
    if (spec) {
      throw new UsageError(
        `Cannot start --workers ${workers} as ${CLUSTER_VARIABLE} names a cluster already. Leave one out`,
      );
    }
    const program = fileURLToPath(import.meta.url);
    const onCpu = experiments.every(({ training }) => training.device === "cpu");
    return await launchWorkers({
      workers,
      args: ["run", "-A", program, ...withoutWorkers(args)],
      gpus: onCpu ? [] : await workerGpus({ usesGpu: tensorFlowUsesGpu }),
    });
  }
  const { planStage, planText, trainStage } = await import("@/training/mod.ts");
  if (dryRun) {
    const plans = [];
    for (const experiment of experiments) {
      plans.push(planText(await planStage(experiment, { ...root, earlier: names })));
    }
    console.log(plans.join("\n\n"));
    return;
  }
  const cluster = spec && spec.members.length > 1 ? await joinCluster(spec, timeouts) : undefined;
  const isChief = cluster?.isChief ?? true;
  let left = names;
  return await interruptible(async () => {
    try {
      for (const experiment of experiments) {
        if (isChief) console.log(`${experiment.name}: ${experiment.description}`);
        const run = await trainStage(experiment, {
          ...root,
          ...(cluster && { cluster }),
          previous: previous && left.length === names.length,
          reuseFinished: unfinished,
          ...(isChief && watchStage()),
        });
        if (isChief) console.log(`finished: ${runFolder(run.id)}`);
        left = left.slice(1);
      }
    } finally {
      await cluster?.leave();
    }
  }, () => `deno task train ${left.join(" ")}, with the same options`);
}

/** Asked of a process of its own: one that holds a GPU's memory would take it from the workers. */
async function tensorFlowUsesGpu(): Promise<boolean> {
  const loaded = await thisMachine().loadTensorFlow();
  const usesGpu = "devices" in loaded && loaded.devices.includes("GPU");
  if (!usesGpu) {
    console.error(
      "There is a GPU, but TensorFlow does not use it: the workers share the CPU's cores. " +
        "`deno task doctor` tells more",
    );
  }
  return usesGpu;
}

/** The arguments for a worker, which is not to start others. */
function withoutWorkers(args: readonly string[]): string[] {
  return args.filter((arg, i) =>
    arg !== "--workers" && args[i - 1] !== "--workers" && !arg.startsWith("--workers=")
  );
}

if (import.meta.main) Deno.exit(await main(Deno.args));
