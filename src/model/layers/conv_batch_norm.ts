import type { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import type { Weights } from "../weights.ts";
import { Conv2D, type ConvolutionOptions } from "./convolution.ts";
import {
  createNormalization,
  type Normalization,
  type NormalizationOptions,
} from "./normalization.ts";
import { normalized, type Surroundings } from "./normalized.ts";

/** A convolution without bias, then a normalization: what encoders are made of. */
export class ConvBatchNorm {
  readonly #conv: Conv2D;
  readonly #norm: Normalization;

  constructor(
    weights: Weights,
    convName: string,
    normName: string,
    normalization: NormalizationOptions,
    options: Omit<ConvolutionOptions, "bias" | "initializer">,
  ) {
    this.#conv = new Conv2D(weights, convName, {
      ...options,
      bias: false,
      initializer: "fan-out-truncated-normal",
    });
    this.#norm = createNormalization(weights, normName, options.filters, normalization);
  }

  /**
   * @param x `[batch, height, width, input]`
   * @param around What precedes and follows.
   * @returns `[batch, height / stride, width / stride, filters]`
   */
  apply(x: tf.Tensor4D, forward: Forward, around: Surroundings = {}): tf.Tensor4D {
    return normalized(this.#conv, this.#norm, x, forward, around);
  }
}
