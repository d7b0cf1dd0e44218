/**
 * A day's training in minutes: `deno task soak`. A small network goes through thousands of steps with all
 * that a stage does (validation, checkpoints, averages, the record) and a chart after each epoch, while
 * memory, open files, threads and tensors are counted: none may grow.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadExperiment } from "@/experiments/mod.ts";
import { tableText } from "@/notebook/mod.ts";
import { writePhantomDataset } from "@/phantom/mod.ts";
import { learningCurves, renderPng } from "@/plots/mod.ts";
import { tf } from "@/tensorflow/mod.ts";
import { loadStageData, trainStage } from "@/training/mod.ts";
import { notFlat, type Sample } from "./flat.ts";

const USAGE = `Usage: deno task soak [--steps N] [--every N] [--growth SHARE]

  --steps N       Training steps (default: 10000, about six minutes on two cores)
  --every N       Steps between two rows of figures (default: 500)
  --growth SHARE  How much memory may grow after the first fifth (default: 0.1)`;

/** Films of the synthetic data set; 40 of them are trained on, one at a time. */
const FILMS = 48;
const STEPS_AN_EPOCH = 40;

function measure(step: number): Sample {
  const { rss, heapUsed } = Deno.memoryUsage();
  const status = Deno.readTextFileSync("/proc/self/status");
  return {
    step,
    memory: Math.round(rss / 2 ** 20),
    heap: Math.round(heapUsed / 2 ** 20),
    handles: [...Deno.readDirSync("/proc/self/fd")].length,
    threads: Number(/^Threads:\s*(\d+)/m.exec(status)![1]),
    tensors: tf.memory().numTensors,
  };
}

async function soak(steps: number, every: number, folder: string): Promise<Sample[]> {
  const root = join(folder, "films");
  await writePhantomDataset({
    directory: root,
    train: FILMS,
    test: 0,
    seed: 1,
    difficulty: "clear",
  });
  const experiment = await loadExperiment("phantom/1-128", {
    quick: false,
    overrides: [
      "data={ size: 64, split: { kind: stratified, validation: 0.16, groupByPatient: false } }",
      `data.limit={ train: ${STEPS_AN_EPOCH}, validation: 6 }`,
      "model={ architecture: unet, startFilters: 4 }",
      `training.epochs=${Math.ceil(steps / STEPS_AN_EPOCH)}`,
      "training.batch=1",
      "training.accumulation=2",
      "training.swa={ startEpoch: 2 }",
      "training.ema={ decay: 0.99 }",
      "training.bestK={ count: 3 }",
      "training.learningRate={ schedule: constant, initial: 1e-4 }",
      "training.gradientClipping={ by: global-norm, limit: 1 }",
      "validation={ batch: 2 }",
    ],
  });
  const data = await loadStageData(experiment, { root });
  const samples: Sample[] = [];
  await trainStage(experiment, {
    data,
    runs: join(folder, "runs"),
    onEpoch: async (metrics) => {
      const step = metrics.length * STEPS_AN_EPOCH;
      const chart = await renderPng(learningCurves(metrics, "loss", { title: "Soak" }));
      await Deno.writeFile(join(folder, "curves.png"), chart);
      if (step % every >= STEPS_AN_EPOCH) return;
      const sample = measure(step);
      samples.push(sample);
      console.log(
        tableText([{ ...sample }]).split("\n").slice(samples.length > 1 ? 2 : 0).join("\n"),
      );
    },
  });
  return samples;
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      steps: { type: "string", default: "10000" },
      every: { type: "string", default: "500" },
      growth: { type: "string", default: "0.1" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [steps, every, growth] = [values.steps, values.every, values.growth].map(Number);
  if (values.help || ![steps, every, growth].every((number) => number! > 0)) {
    console.log(USAGE);
    Deno.exit(values.help ? 0 : 2);
  }
  const folder = await Deno.makeTempDir();
  const started = performance.now();
  try {
    const samples = await soak(steps!, every!, folder);
    const lines = notFlat(samples, growth!);
    const minutes = ((performance.now() - started) / 60_000).toFixed(1);
    console.log(`${samples.at(-1)!.step} steps in ${minutes} minutes`);
    console.log(lines.length > 0 ? `Not flat:\n${lines.join("\n")}` : "All is flat");
    Deno.exitCode = lines.length > 0 ? 1 : 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
