import type { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import type { Weights } from "../weights.ts";
import { BatchNorm } from "./batch_norm.ts";
import { Conv2D, type ConvolutionOptions } from "./convolution.ts";

/** A convolution without bias, then BatchNorm: what encoders are made of. */
export class ConvBatchNorm {
  readonly #conv: Conv2D;
  readonly #norm: BatchNorm;

  /**
   * @param norm.batchNormMomentum Share of the old statistics that each training step keeps.
   * @param norm.epsilon Added to the variance. Default: that of {@linkcode BatchNorm}.
   */
  constructor(
    weights: Weights,
    convName: string,
    normName: string,
    norm: { batchNormMomentum: number; epsilon?: number },
    options: Omit<ConvolutionOptions, "bias" | "initializer">,
  ) {
    this.#conv = new Conv2D(weights, convName, {
      ...options,
      bias: false,
      initializer: "fan-out-truncated-normal",
    });
    this.#norm = new BatchNorm(
      weights,
      normName,
      options.filters,
      norm.batchNormMomentum,
      norm.epsilon,
    );
  }

  /** `[batch, height, width, input]` to `[batch, height / stride, width / stride, filters]`. */
  apply(x: tf.Tensor4D, forward: Forward): tf.Tensor4D {
    return this.#norm.apply(this.#conv.apply(x), forward);
  }
}
