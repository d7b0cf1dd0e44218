import type { Augmentation } from "@/augmentation/mod.ts";
import { type Loss, overlapCounts } from "@/losses/mod.ts";
import { combineOutputs, normalizeImages, type SegmentationModel } from "@/model/mod.ts";
import {
  type Collectives,
  type CompileOptions,
  inFloat32,
  jit,
  StatelessRandom,
  tf,
} from "@/tensorflow/mod.ts";
import type { LossScale } from "./loss_scale.ts";
import { clipGradients, type Clipping, type Optimizer } from "./optimizer.ts";
import { inOwnFormat } from "./own_format.ts";

/** The processes that train together, each on its part of every batch. */
export interface StepWorkers {
  collectives: Pick<Collectives, "size" | "mean" | "means" | "sum">;
  /** This process's place, from 0. */
  index: number;
  /**
   * Whether BatchNorm normalises by the whole batch; else by each process's part of it, and the moving
   * statistics are averaged with the gradients.
   */
  synchronisesBatchNorm: boolean;
}

/** What a training step works on and with. */
export interface StepParts {
  model: SegmentationModel;
  loss: Loss;
  augment: Augmentation;
  optimizer: Optimizer;
  /** Batches whose gradients make one step of the optimizer. */
  accumulation: number;
  /** Probability above which a pixel is counted as predicted. */
  threshold: number;
  /** Limit of a window's gradients. Default: none. */
  clipping?: Clipping;
  /** What follows each change of the weights, in the same function: tensor operations alone. */
  afterUpdate?: () => void;
  /** Keeps gradients within float16. Default: none. */
  lossScale?: LossScale;
  /** Those that train together. Default: this process alone. */
  workers?: StepWorkers;
  /** Where and how the step computes. */
  compile?: CompileOptions;
}

/** A batch as it comes from the cache. */
export interface StepBatch {
  /** Grey values in 0 to 1. // [batch, size, size, 1] */
  images: tf.Tensor4D;
  /** 0 or 1. // [batch, size, size, 1] */
  masks: tf.Tensor4D;
}

/** What one batch showed, in all processes' parts of it. */
export interface StepResult {
  /** A scalar. */
  loss: tf.Scalar;
  /** Of each process's part; what is a ratio over the whole batch is the same in all. // [processes] */
  losses: tf.Tensor1D;
  /** Pixels in prediction and truth, in the prediction, in the truth. // [batch, 3] */
  counts: tf.Tensor2D;
}

/** The traced training step, and the gradients it has gathered so far. */
export interface TrainingStep {
  /**
   * Augments, predicts, takes gradients, and on the last batch of a window changes the weights.
   *
   * @param seed Of augmentation and dropout; int32 `[2]`.
   * @param learningRate A scalar.
   * @param share This batch's share of the window's gradient: 1 / batches in the window. A scalar.
   * @param isLast Whether the window ends with this batch.
   */
  run(
    batch: StepBatch,
    seed: tf.Tensor1D,
    learningRate: tf.Scalar,
    share: tf.Scalar,
    isLast: boolean,
  ): Promise<StepResult>;
  /** Gradients gathered in an unfinished window, for checkpoints; empty without accumulation. */
  readonly gathered: ReadonlyMap<string, tf.Variable>;
  dispose(): void;
}

/** What all parts of the batch showed, which takes one small reduction. */
function ofAllParts(
  loss: tf.Scalar,
  counts: tf.Tensor2D,
  workers: StepWorkers | undefined,
): StepResult {
  const own = tf.reshape(loss, [1]) as tf.Tensor1D;
  if (!workers) return { loss, losses: own, counts };
  const { collectives, index } = workers;
  const { size } = collectives;
  // Each process has zeros in the places of the others.
  const amongAll = <T extends tf.Tensor>(x: T): T => {
    const rows = x.shape[0]!;
    const others = x.shape.slice(1).map((): [number, number] => [0, 0]);
    return tf.pad(x, [[index * rows, (size - index - 1) * rows], ...others]);
  };
  const films = amongAll(counts);
  const sums = collectives.sum(tf.concat([amongAll(own), tf.reshape(films, [-1])]));
  const losses = tf.slice(sums, 0, size) as tf.Tensor1D;
  return {
    loss: tf.mean(losses),
    losses,
    counts: tf.reshape(tf.slice(sums, size), films.shape),
  };
}

/** Makes the training step of a stage: one TensorFlow function from raw batch to new weights. */
export function trainingStep(parts: StepParts): TrainingStep {
  const { model, loss, augment, optimizer, accumulation, threshold } = parts;
  const { clipping, afterUpdate, lossScale, workers, compile = {} } = parts;
  const weights = model.weights.trainable;
  const variables = weights.map(({ variable }) => variable);
  const gathered = new Map(
    accumulation === 1 ? [] : weights.map(({ name, variable }) => {
      return [name, tf.tidy(() => tf.variable(tf.zeros(variable.shape), false))];
    }),
  );

  const gather = (gradients: tf.Tensor[], share: tf.Scalar): tf.Tensor[] => {
    const sums = [...gathered.values()];
    return gradients.map((gradient, i) => tf.add(sums[i]!, tf.mul(gradient, share)));
  };

  const outputsOf = (inputs: tf.Tensor4D, random: StatelessRandom): tf.Tensor4D[] => {
    const outputs = model.outputs(inputs, {
      training: true,
      random,
      ...(workers?.synchronisesBatchNorm && { acrossWorkers: workers.collectives }),
    });
    return outputs.map((output) => inOwnFormat(output, compile));
  };

  const update = (gradients: tf.Tensor[], learningRate: tf.Scalar): void => {
    const apply = () => optimizer.apply(gradients, learningRate);
    if (!lossScale) return apply();
    lossScale.update(gradients, [...variables, ...optimizer.slots.values()], apply);
  };

  const part = { index: workers?.index ?? 0, count: workers?.collectives.size ?? 1 };
  /**
   * The means over all processes, once for each change of the weights.
   *
   * @param statistics BatchNorm's, as each process has moved its own.
   */
  const reduce = (gradients: tf.Tensor[], statistics: tf.Variable[]): tf.Tensor[] => {
    if (!workers) return gradients;
    const means = workers.collectives.means([...statistics, ...gradients]);
    for (const [i, variable] of statistics.entries()) variable.assign(means[i]!);
    return means.slice(statistics.length);
  };

  const step = jit((
    { images, masks }: StepBatch,
    seed: tf.Tensor1D,
    learningRate: tf.Scalar,
    share: tf.Scalar,
    isLast: boolean,
  ) =>
    tf.tidy(() => {
      const random = new StatelessRandom(seed, part);
      const others = model.weights.all.filter(({ trainable }) => !trainable);
      const before = others.map(({ variable }) => variable.dataId);
      const augmented = inFloat32(() => augment({ images, masks }, random));
      let counts: tf.Tensor2D | undefined;
      const { value, grads } = tf.variableGrads(() => {
        const inputs = normalizeImages(augmented.images);
        const outputs = outputsOf(inputs, random);
        counts = overlapCounts(combineOutputs(outputs), augmented.masks, threshold);
        tf.keep(counts);
        const losses = outputs.map((logits) => loss(logits, augmented.masks));
        const mean = tf.mean(tf.stack(losses)) as tf.Scalar;
        return lossScale ? lossScale.scale(mean) : mean;
      }, variables);
      const unscaled = <T extends tf.Tensor>(x: T): T => lossScale ? lossScale.unscale(x) : x;
      let gradients = variables.map(({ name }) => unscaled(inOwnFormat(grads[name]!, compile)));
      if (accumulation > 1) gradients = gather(gradients, share);
      const sums = [...gathered.values()];
      if (isLast) {
        const moved = others.filter((_, i) => others[i]!.variable.dataId !== before[i]);
        const own = workers?.synchronisesBatchNorm ? [] : moved.map(({ variable }) => variable);
        gradients = reduce(gradients, own);
        update(clipping ? clipGradients(gradients, clipping) : gradients, learningRate);
        afterUpdate?.();
        for (const sum of sums) sum.assign(tf.zerosLike(sum));
      } else {
        for (const [i, sum] of sums.entries()) sum.assign(gradients[i]!);
      }
      return { ...ofAllParts(unscaled(value), counts!, workers) };
    }), { name: "training_step", ...compile });

  return {
    run: (batch, seed, learningRate, share, isLast) =>
      step.async(batch, seed, learningRate, share, isLast),
    gathered,
    dispose() {
      step.dispose();
      for (const variable of gathered.values()) variable.dispose();
    },
  };
}
