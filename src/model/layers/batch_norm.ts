import { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import type { Weights } from "../weights.ts";
import { batchNormAffine, type ChannelAffine } from "./channel_affine.ts";
import { batchNormInference, batchNormTraining } from "./kernels/mod.ts";
import { synchronisedBatchNorm } from "./synchronised_batch_norm.ts";

/** Keras's default, which EfficientNet and the report's decoder use. */
export const BATCH_NORM_EPSILON = 1e-3;

/** Batch normalisation over the last axis (Ioffe & Szegedy 2015) by TensorFlow's fused operations. */
export class BatchNorm {
  readonly #gamma: tf.Variable;
  readonly #beta: tf.Variable;
  readonly #mean: tf.Variable;
  readonly #variance: tf.Variable;

  /**
   * @param momentum Share of the old statistics that each training step keeps.
   * @param epsilon Added to the variance. Default: 1e-3.
   */
  constructor(
    weights: Weights,
    name: string,
    channels: number,
    readonly momentum: number,
    readonly epsilon: number = BATCH_NORM_EPSILON,
  ) {
    this.#gamma = weights.create(`${name}/gamma`, [channels], "ones");
    this.#beta = weights.create(`${name}/beta`, [channels], "zeros");
    this.#mean = weights.create(`${name}/moving_mean`, [channels], "zeros", false);
    this.#variance = weights.create(`${name}/moving_variance`, [channels], "ones", false);
  }

  /** Normalises `[batch, height, width, channels]`; in training it also moves its statistics. */
  apply(x: tf.Tensor4D, forward: Forward): tf.Tensor4D {
    if (!forward.training) {
      return batchNormInference(
        x,
        this.#gamma,
        this.#beta,
        this.#mean,
        this.#variance,
        this.epsilon,
      );
    }
    const keep = forward.momentum ?? this.momentum;
    // TensorFlow moves the statistics itself where the factor is no tensor, and something is kept.
    const isPlain = !forward.acrossWorkers && !forward.isRepetition;
    const moving = isPlain && typeof keep === "number" && keep > 0
      ? { mean: this.#mean, variance: this.#variance, keep }
      : undefined;
    const [y, mean, variance] = forward.acrossWorkers
      ? synchronisedBatchNorm(x, {
        gamma: this.#gamma,
        beta: this.#beta,
        shift: this.#mean,
        epsilon: this.epsilon,
        across: forward.acrossWorkers,
      })
      : batchNormTraining(x, this.#gamma, this.#beta, this.epsilon, moving);
    if (forward.isRepetition) return y;
    this.#mean.assign(moving ? mean : mix(this.#mean, mean, keep));
    this.#variance.assign(moving ? variance : mix(this.#variance, variance, keep));
    return y;
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

/** `keep old + (1 - keep) new` */
function mix(old: tf.Tensor, next: tf.Tensor, keep: number | tf.Scalar): tf.Tensor {
  return tf.add(next, tf.mul(tf.sub(old, next), keep));
}
