import { tf } from "@/tensorflow/mod.ts";
import type { Weights } from "../weights.ts";
import { activate, type Activation } from "./activation.ts";
import { Conv2D } from "./convolution.ts";
import { withSpatialMean } from "./kernels/mod.ts";

/** Weighs channels by what the whole image makes of them (Hu et al. 2018). */
export class SqueezeExcitation {
  readonly #reduce: Conv2D;
  readonly #expand: Conv2D;
  readonly #activation: Activation;

  /**
   * @param options.channels Channels of input and output.
   * @param options.squeezed Channels between the two dense layers.
   * @param options.activation Between the two dense layers.
   */
  constructor(
    weights: Weights,
    name: string,
    options: {
      channels: number;
      squeezed: number;
      activation: Activation;
    },
  ) {
    const { channels, squeezed } = options;
    const dense = (part: string, input: number, filters: number) =>
      new Conv2D(weights, `${name}_se_${part}`, {
        input,
        filters,
        kernel: 1,
        initializer: "fan-out-truncated-normal",
      });
    this.#reduce = dense("reduce", channels, squeezed);
    this.#expand = dense("expand", squeezed, channels);
    this.#activation = options.activation;
  }

  /** `[batch, height, width, channels]` to the same. */
  apply(x: tf.Tensor4D): tf.Tensor4D {
    const [y, scale] = this.imageWeights(x);
    return tf.mul(y, scale);
  }

  /**
   * The factors of {@linkcode apply}, 0 to 1, for an operation that multiplies on its own.
   *
   * @param x `[batch, height, width, channels]`
   * @returns What to use in place of `x`, and what to multiply it by, `[batch, 1, 1, channels]`.
   */
  imageWeights(x: tf.Tensor4D): [x: tf.Tensor4D, scale: tf.Tensor4D] {
    const [y, mean] = withSpatialMean(x);
    return [y, this.#weights(mean)];
  }

  /**
   * What each channel is multiplied by, 0 to 1, for inference.
   *
   * @param x `[1, height, width, channels]`
   */
  channelWeights(x: tf.Tensor4D): tf.Tensor1D {
    const [, height, width] = x.shape;
    // With oneDNN a pooling is faster than the mean.
    const mean = tf.avgPool(x, [height, width], 1, "valid");
    return tf.reshape(this.#weights(mean), [-1]) as tf.Tensor1D;
  }

  /** `[batch, 1, 1, channels]` to the same. */
  #weights(mean: tf.Tensor4D): tf.Tensor4D {
    const squeezed = activate(this.#reduce.apply(mean), this.#activation);
    return tf.sigmoid(this.#expand.apply(squeezed));
  }
}
