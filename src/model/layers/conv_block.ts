import type { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import type { Weights } from "../weights.ts";
import { RELU } from "./activation.ts";
import { Conv2D } from "./convolution.ts";
import { DilatedConv2D } from "./dilated_convolution.ts";
import {
  createNormalization,
  type Normalization,
  type NormalizationOptions,
} from "./normalization.ts";
import { normalized } from "./normalized.ts";

/** What a block of convolutions is made of. */
export interface ConvBlockOptions {
  /** Channels of the input. */
  input: number;
  /** Channels of every convolution's output. */
  filters: number;
  /** Height and width of the kernels. Default: 3. */
  kernel?: number;
  /** How many convolutions. Default: 2. */
  repeats?: number;
  /** Distance of the pixels that a kernel looks at. Default: 1. */
  dilation?: number;
}

/**
 * Convolutions, each followed by a normalization and ReLU. They have no bias, as that adds one. The
 * weights are called `{name}_conv1`, `{name}_bn1`, `{name}_conv2`, ...
 */
export class ConvBlock {
  readonly #layers: { conv: Conv2D | DilatedConv2D; norm: Normalization }[];

  constructor(
    weights: Weights,
    name: string,
    { input, filters, kernel = 3, repeats = 2, dilation = 1 }: ConvBlockOptions,
    normalization: NormalizationOptions,
  ) {
    this.#layers = Array.from({ length: repeats }, (_, i) => {
      const channels = { input: i === 0 ? input : filters, filters, kernel };
      const convName = `${name}_conv${i + 1}`;
      return {
        conv: dilation === 1
          ? new Conv2D(weights, convName, { ...channels, bias: false })
          : new DilatedConv2D(weights, convName, { ...channels, dilation }),
        norm: createNormalization(weights, `${name}_bn${i + 1}`, filters, normalization),
      };
    });
  }

  /** `[batch, height, width, input]` to `[batch, height, width, filters]`. */
  apply(x: tf.Tensor4D, forward: Forward): tf.Tensor4D {
    return this.#layers.reduce(
      (x, { conv, norm }) => normalized(conv, norm, x, forward, { activation: RELU }),
      x,
    );
  }
}
