import type { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import type { Weights } from "../weights.ts";
import { BATCH_NORM_EPSILON } from "./batch_norm.ts";
import { batchNormAffine, type ChannelAffine } from "./channel_affine.ts";
import { batchNormInference } from "./kernels/mod.ts";

/**
 * BatchNorm that keeps the statistics and the scale it was loaded with, in training too: for weights
 * that go on from a parent with batches too small to estimate statistics from. Its weights are those of
 * `BatchNorm`, by name and shape, and an optimizer changes none of them.
 */
export class FrozenBatchNorm {
  readonly #gamma: tf.Variable;
  readonly #beta: tf.Variable;
  readonly #mean: tf.Variable;
  readonly #variance: tf.Variable;

  constructor(
    weights: Weights,
    name: string,
    channels: number,
    readonly epsilon: number = BATCH_NORM_EPSILON,
  ) {
    this.#gamma = weights.create(`${name}/gamma`, [channels], "ones", false);
    this.#beta = weights.create(`${name}/beta`, [channels], "zeros", false);
    this.#mean = weights.create(`${name}/moving_mean`, [channels], "zeros", false);
    this.#variance = weights.create(`${name}/moving_variance`, [channels], "ones", false);
  }

  /** Normalises `[batch, height, width, channels]` with the stored statistics. */
  apply(x: tf.Tensor4D, _forward: Forward): tf.Tensor4D {
    return batchNormInference(
      x,
      this.#gamma,
      this.#beta,
      this.#mean,
      this.#variance,
      this.epsilon,
    );
  }

  /** What it does to each channel in inference. */
  affine(): ChannelAffine {
    const statistics = {
      gamma: this.#gamma,
      beta: this.#beta,
      mean: this.#mean,
      variance: this.#variance,
    };
    return batchNormAffine(statistics, this.epsilon);
  }
}
