import { batchCount, datasetRoot, type Film, loadDataset } from "@/data/mod.ts";
import { type Experiment, findParentRun } from "@/experiments/mod.ts";
import { weightedLoss } from "@/losses/mod.ts";
import { createModel, normalizeImages, type SegmentationModel } from "@/model/mod.ts";
import { StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { learningRateAt } from "./schedule.ts";
import { splitStage } from "./stage_data.ts";

/** Bytes of a float32. */
const FLOAT = 4;

/** What a stage will train, on what, for how long, and with how much memory. */
export interface StagePlan {
  experiment: Experiment;
  /** The model's encoder: the architecture "unet" has one of its own, whatever the experiment says. */
  encoder: string;
  parameters: {
    /** Numbers in the model, BatchNorm's statistics included. */
    all: number;
    trainable: number;
  };
  /** Estimates in bytes. */
  memory: {
    weights: number;
    /** What the optimizer keeps, gathered gradients and the averages of weights included. */
    training: number;
    /** What the forward pass keeps for the backward pass, and the gradients. */
    step: number;
    total: number;
  };
  films: {
    training: number;
    positives: number;
    validation: number;
    /** Files and rows that are left out. */
    excluded: number;
  };
  steps: {
    /** Batches in an epoch. */
    batches: number;
    /** Steps of the optimizer in an epoch. */
    perEpoch: number;
    /** Steps of the optimizer in the stage. */
    total: number;
  };
  /** Learning rates at places of the stage. */
  learningRates: { place: string; rate: number }[];
  /** Where the weights come from, in words. */
  start: string;
}

/** What a plan is made with. */
export interface PlanOptions {
  /** The data set's folder. Default: `PNEUMOTHORAX_DATA`, else the phantom. */
  root?: string;
  /** The training and validation films, instead of the data set's. */
  split?: { training: readonly Film[]; validation: readonly Film[] };
  /** Experiments that will be trained before it: their runs need not be there yet. */
  earlier?: readonly string[];
  /** The folder of run records. Default: `PNEUMOTHORAX_RUNS`, or `experiments/runs`. */
  runs?: string;
}

/**
 * Says what a stage would do, without preparing a film or writing a file. Films whose pixels cannot be
 * decoded are found later, so the numbers of films and steps may be a little too high.
 *
 * The memory of a step is measured: the peak of TensorFlow.js over loss and gradients of one film of
 * 32 and of 64 pixels, taken on as linear in the pixels of a batch. TensorFlow's own buffers, films
 * and the program come on top; its optimizer may also need less.
 *
 * @throws {DatasetError} If the data set cannot be read.
 */
export async function planStage(
  experiment: Experiment,
  options: PlanOptions = {},
): Promise<StagePlan> {
  const { training, data } = experiment;
  const { split, excluded } = await splitOf(experiment, options);
  const model = createModel({ ...experiment.model, seed: experiment.seed });
  try {
    const all = model.weights.parameterCount;
    const trainable = model.weights.trainable.reduce((sum, { variable }) => sum + variable.size, 0);
    const weights = FLOAT * all;
    const kept = FLOAT * copiesOf(training) * trainable;
    const step = await stepMemory(model, experiment, training.batch * data.size ** 2);

    const batches = batchCount(split.training.length, {
      batchSize: training.batch,
      dropRemainder: true,
    });
    const perEpoch = Math.ceil(batches / training.accumulation);
    return {
      experiment,
      encoder: model.encoder.name,
      parameters: { all, trainable },
      memory: { weights, training: kept, step, total: weights + kept + step },
      films: {
        training: split.training.length,
        positives: split.training.filter(({ positive }) => positive).length,
        validation: split.validation.length,
        excluded,
      },
      steps: { batches, perEpoch, total: perEpoch * training.epochs },
      learningRates: ratesOf(training),
      start: await startOf(experiment, options),
    };
  } finally {
    model.dispose();
  }
}

async function splitOf(experiment: Experiment, { root, split }: PlanOptions) {
  if (split) return { split, excluded: 0 };
  const dataset = await loadDataset(datasetRoot(root));
  return { split: splitStage(dataset.train, experiment), excluded: dataset.excluded.length };
}

function ratesOf({ learningRate, epochs }: Experiment["training"]) {
  const places = { start: 0, quarter: epochs / 4, half: epochs / 2, end: epochs };
  return Object.entries(places).map(([place, epoch]) => {
    return { place, rate: learningRateAt(learningRate, epoch, epochs) };
  });
}

async function startOf(
  experiment: Experiment,
  { earlier = [], runs }: PlanOptions,
): Promise<string> {
  const { parent, parentCheckpoint, model } = experiment;
  if (parent === undefined) {
    return model.weights === undefined
      ? "random weights"
      : `encoder weights of ${model.weights}, the others random`;
  }
  const run = await findParentRun(experiment, runs);
  if (run?.checkpoints[parentCheckpoint]) return `checkpoint "${parentCheckpoint}" of ${run.id}`;
  if (earlier.includes(parent)) {
    return `checkpoint "${parentCheckpoint}" of ${parent}, trained before`;
  }
  return `${parent} has no finished run with a checkpoint "${parentCheckpoint}": train it first`;
}

/** How many numbers are kept for each trained weight beside itself: optimizer, window, averages. */
function copiesOf({ optimizer, accumulation, swa, ema }: Experiment["training"]): number {
  const slots = optimizer.kind !== "sgd" ? 2 : optimizer.momentum > 0 ? 1 : 0;
  return slots + [accumulation > 1, swa, ema].filter(Boolean).length;
}

/** Bytes that a step needs beside the weights, as a line through two small measurements. */
async function stepMemory(
  model: SegmentationModel,
  experiment: Experiment,
  pixels: number,
): Promise<number> {
  const [small, large] = [32, 64];
  const [low, high] = [
    await stepPeak(model, experiment, small),
    await stepPeak(model, experiment, large),
  ];
  const perPixel = Math.max(0, high - low) / (large ** 2 - small ** 2);
  const fixed = Math.max(0, low - perPixel * small ** 2);
  return fixed + perPixel * pixels;
}

/** Most bytes of tensors that one step holds at a time. */
async function stepPeak(
  model: SegmentationModel,
  { training }: Experiment,
  size: number,
): Promise<number> {
  const loss = weightedLoss(training.loss, training.lossOptions);
  const before = tf.memory().numBytes;
  const { peakBytes, result } = await tf.profile(() =>
    tf.tidy(() => {
      const images = tf.fill([1, size, size, 1], 0.5) as tf.Tensor4D;
      const masks = tf.ones([1, size, size, 1]) as tf.Tensor4D;
      const random = new StatelessRandom(tf.tensor1d([0, 0], "int32"));
      const variables = model.weights.trainable.map(({ variable }) => variable);
      tf.variableGrads(() => {
        const logits = model.apply(normalizeImages(images), { training: true, random });
        return loss(logits, masks);
      }, variables);
      return tf.scalar(0);
    })
  );
  tf.dispose(result);
  return peakBytes - before;
}

/** A plan as text for a terminal. */
export function planText(plan: StagePlan): string {
  const { experiment, parameters, memory, films, steps } = plan;
  const { model, data, training } = experiment;
  const average = training.swa ? `, averaged from epoch ${training.swa.startEpoch} on` : "";
  const rates = plan.learningRates.map(({ place, rate }) =>
    `${Number(rate.toPrecision(3))} at ${place}`
  );
  const losses = Object.entries(training.loss).map(([name, weight]) => `${weight} ${name}`);
  const lines: [string, string][] = [
    ["description", experiment.description],
    ["starts from", plan.start],
    [
      "model",
      `${model.architecture}, ${
        plan.encoder === model.encoder ? model.encoder : "an encoder of its own"
      }, ${model.startFilters} start filters` +
      (model.normalization ? `, ${model.normalization} normalization` : "") +
      (model.gradientCheckpointing ? ", gradient checkpointing" : "") + ": " +
      `${grouped(parameters.all)} parameters, ${grouped(parameters.trainable)} trainable`,
    ],
    [
      "films",
      `${grouped(films.training)} for training (${grouped(films.positives)} positive), ` +
      `${grouped(films.validation)} for validation, ${grouped(films.excluded)} left out; ` +
      `${data.size} x ${data.size} px`,
    ],
    [
      "steps",
      `${training.epochs} epochs of ${grouped(steps.batches)} batches of ${training.batch}` +
      (training.accumulation > 1 ? `, ${training.accumulation} to a step` : "") +
      `: ${grouped(steps.total)} steps${average}`,
    ],
    ["loss", losses.join(" + ")],
    ["optimizer", optimizerText(training)],
    ["learning rate", `${training.learningRate.schedule}: ${rates.join(", ")}`],
    [
      "memory",
      `about ${bytes(memory.total)}: weights ${bytes(memory.weights)}, optimizer and averages ` +
      `${bytes(memory.training)}, a step ${bytes(memory.step)}`,
    ],
    ["", "(a step is measured at 32 and 64 px and taken on; the program and films come on top)"],
  ];
  return [experiment.name, ...lines.map(([name, text]) => `  ${name.padEnd(14)}${text}`.trimEnd())]
    .join("\n");
}

function optimizerText({ optimizer, gradientClipping }: Experiment["training"]): string {
  const { kind, ...options } = optimizer;
  const parts = Object.entries(options).map(([name, value]) => `${name} ${value}`);
  const limit = gradientClipping &&
    `; gradients limited to ${gradientClipping.limit} by ${gradientClipping.by}`;
  return `${kind}: ${parts.join(", ")}${limit ?? ""}`;
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}

function bytes(count: number): string {
  if (count < 1e9) return `${Math.ceil(count / 1e6)} MB`;
  return `${(count / 1e9).toFixed(1)} GB`;
}
