import { inFloat32, tf } from "@/tensorflow/mod.ts";
import type { AcrossWorkers } from "../forward.ts";
import { batchNormFrozenGradient, batchNormInference, batchNormTraining } from "./kernels/mod.ts";

/** What a batch is normalised with. */
export interface SynchronisedBatchNormOptions {
  /** Of each channel. // [channels] */
  gamma: tf.Tensor;
  /** Of each channel. // [channels] */
  beta: tf.Tensor;
  /** Near the mean and the same in all processes: keeps the variance exact. // [channels] */
  shift: tf.Tensor;
  /** Added to the variance. */
  epsilon: number;
  across: AcrossWorkers;
}

/**
 * Normalises with the statistics of the batches of all processes, as one process would normalise the
 * joint batch; all batches must be as large as this one. It takes one reduction of `2 channels` numbers
 * forward and one backward.
 *
 * @param x `[batch, height, width, channels]`
 * @returns The output, and the joint batch's mean and (unbiased) variance `[channels]`, which carry no
 * gradient.
 */
export function synchronisedBatchNorm(
  x: tf.Tensor4D,
  { gamma, beta, shift, epsilon, across }: SynchronisedBatchNormOptions,
): [output: tf.Tensor4D, mean: tf.Tensor1D, variance: tf.Tensor1D] {
  const [batch, height, width] = x.shape;
  const count = batch * height * width, countOfAll = count * across.size;
  const [mean, variance] = tf.tidy(() => {
    const [, own, unbiased] = batchNormTraining(x, gamma, beta, epsilon);
    const shifted = tf.sub(own, shift);
    const square = tf.add(tf.mul(unbiased, (count - 1) / count), tf.square(shifted));
    const [first, second] = tf.unstack(across.mean(tf.stack([shifted, square])));
    const variance = tf.relu(tf.sub(second!, tf.square(first!)));
    return [tf.add(first!, shift), variance] as [tf.Tensor1D, tf.Tensor1D];
  });
  const normalise = tf.customGrad((...all) => {
    const [x, gamma, beta] = all as tf.Tensor[] as [tf.Tensor4D, tf.Tensor, tf.Tensor];
    const save = all.at(-1) as unknown as tf.GradSaveFunc;
    save([x, gamma, mean, variance]);
    const gradFunc = (dy: tf.Tensor | tf.Tensor[], saved: tf.Tensor[]) =>
      gradients(dy as tf.Tensor4D, saved, { epsilon, count, across });
    return { value: batchNormInference(x, gamma, beta, mean, variance, epsilon), gradFunc };
  });
  const y = normalise(x, gamma, beta) as tf.Tensor4D;
  return [y, mean, tf.mul(variance, countOfAll / Math.max(countOfAll - 1, 1))];
}

/** `dx = gamma / deviation (dy - mean(dy) - z mean(dy z))` with means over all batches, `z` normalised. */
function gradients(
  dy: tf.Tensor4D,
  [x, gamma, mean, variance]: tf.Tensor[],
  { epsilon, count, across }: { epsilon: number; count: number; across: AcrossWorkers },
): tf.Tensor[] {
  return tf.tidy(() => {
    const [dx, dgamma, dbeta] = batchNormFrozenGradient(
      dy,
      x as tf.Tensor4D,
      gamma!,
      mean!,
      variance!,
      epsilon,
    );
    const [dbetaOfAll, dgammaOfAll] = tf.unstack(across.mean(tf.stack([dbeta, dgamma])));
    const inverse = tf.rsqrt(tf.add(variance!, epsilon));
    const scale = tf.div(tf.mul(gamma!, inverse), count);
    const slope = tf.mul(tf.mul(scale, inverse), dgammaOfAll!);
    const offset = tf.sub(tf.mul(scale, dbetaOfAll!), tf.mul(slope, mean!));
    // In bfloat16 the product and the offset, each rounded, would not cancel out.
    const throughAll = inFloat32(() => tf.add(tf.mul(x!, slope), offset));
    return [tf.sub(dx, throughAll), dgamma, dbeta];
  });
}
