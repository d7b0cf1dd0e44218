import { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import type { Initializer, Weights } from "../weights.ts";
import type { Activation } from "./activation.ts";
import type { ChannelAffine } from "./channel_affine.ts";
import { type Maps, unscaledDropout } from "./dropout.ts";
import { fusedConvolution } from "./fused_convolution.ts";
import {
  biasAdd,
  conv2d,
  depthwiseConv2d,
  doublingConv2d,
  paddedConv2d,
  scaledConv2d,
} from "./kernels/mod.ts";

/** What a convolution is made of. */
export interface ConvolutionOptions {
  /** Channels of the input. */
  input: number;
  /** Channels of the output. */
  filters: number;
  /** Height and width of the kernel. */
  kernel: number;
  /** Default: 1. */
  stride?: number;
  /**
   * How borders are filled with zeros: "same" as TensorFlow does, which with stride 2 and an even size
   * adds one row less before than after; "symmetric" with `(kernel - 1) / 2` rows on each side, as
   * PyTorch's networks do. Default: "same".
   */
  padding?: "same" | "symmetric";
  /** Groups of channels that are convolved apart (Krizhevsky et al. 2012). Default: 1. */
  groups?: number;
  /** Whether a bias is added, or the value that it starts with. Default: true, which starts with 0. */
  bias?: boolean | number;
  /** Default: "glorot-uniform". */
  initializer?: Initializer;
}

/** A convolution with weights of its own. */
export interface Convolution {
  /** @param imageScale What each of the input's channels is multiplied by. // [batch, 1, 1, input] */
  apply(x: tf.Tensor4D, imageScale?: tf.Tensor4D): tf.Tensor4D;
  applyFused(x: tf.Tensor4D, follow: Follow): tf.Tensor4D;
}

/** What surrounds a convolution in inference: `activation(scale conv(inputScale x) + shift + add)`. */
export interface Follow {
  /** Of each of the input's channels. // [channels] */
  inputScale?: tf.Tensor1D | undefined;
  affine?: ChannelAffine | undefined;
  /** As large as the output. */
  add?: tf.Tensor4D | undefined;
  activation?: Activation | undefined;
}

/** A convolution's bias with what follows folded into it. */
function foldBias(
  bias: tf.Tensor | undefined,
  affine: ChannelAffine | undefined,
): tf.Tensor | undefined {
  if (!bias || !affine) return affine?.shift ?? bias;
  return tf.add(tf.mul(bias, affine.scale), affine.shift);
}

function scaled(x: tf.Tensor4D, imageScale: tf.Tensor4D | undefined): tf.Tensor4D {
  return imageScale ? tf.mul(x, imageScale) : x;
}

/** A 2-D convolution. */
export class Conv2D implements Convolution {
  readonly kernel: tf.Variable;
  readonly bias: tf.Variable | undefined;
  readonly #stride: number;
  readonly #groups: number;
  readonly #symmetric: boolean;

  /** @throws {RangeError} If groups do not divide the channels, or are not padded symmetrically. */
  constructor(weights: Weights, name: string, options: ConvolutionOptions) {
    const { input, filters, kernel, stride = 1, bias = true, groups = 1 } = options;
    const initializer = options.initializer ?? "glorot-uniform";
    if (input % groups !== 0 || filters % groups !== 0) {
      throw new RangeError(
        `Cannot make the convolution ${name} as its ${groups} groups do not divide its channels: ` +
          `${input} to ${filters}`,
      );
    }
    if (groups > 1 && options.padding !== "symmetric") {
      throw new RangeError(
        `Cannot make the convolution ${name} as groups need symmetric padding: ${options.padding}`,
      );
    }
    const shape = [kernel, kernel, input / groups, filters];
    this.kernel = weights.create(`${name}/kernel`, shape, initializer);
    if (bias !== false) {
      const start = { constant: Number(bias === true ? 0 : bias) };
      this.bias = weights.create(`${name}/bias`, [filters], start);
    }
    this.#stride = stride;
    this.#groups = groups;
    this.#symmetric = options.padding === "symmetric";
  }

  /** `[batch, height, width, input]` to `[batch, height / stride, width / stride, filters]`. */
  apply(x: tf.Tensor4D, imageScale?: tf.Tensor4D): tf.Tensor4D {
    return this.#convolve(x, this.kernel, imageScale);
  }

  #convolve(x: tf.Tensor4D, weights: tf.Tensor, imageScale?: tf.Tensor4D): tf.Tensor4D {
    const kernel = weights as tf.Tensor4D;
    const y = this.#symmetric
      ? paddedConv2d(scaled(x, imageScale), kernel, { stride: this.#stride, groups: this.#groups })
      : imageScale
      ? scaledConv2d(x, imageScale, kernel, this.#stride)
      : conv2d(x, kernel, this.#stride);
    return this.bias ? biasAdd(y, this.bias) : y;
  }

  /**
   * `apply(dropout(x, rate, forward))`, of joined maps. What dropout multiplies by goes into the kernel,
   * which is smaller than most maps.
   */
  applyDropped(x: Maps, rate: number, forward: Forward): tf.Tensor4D {
    const [left, scale] = unscaledDropout(x, rate, forward);
    return this.#convolve(left, scale === 1 ? this.kernel : tf.mul(this.kernel, scale));
  }

  /** As {@linkcode apply}, for inference, with what follows. */
  applyFused(x: tf.Tensor4D, { inputScale, affine, add, activation }: Follow): tf.Tensor4D {
    let kernel = (affine ? tf.mul(this.kernel, affine.scale) : this.kernel) as tf.Tensor4D;
    if (inputScale) kernel = tf.mul(kernel, tf.reshape(inputScale, [1, 1, -1, 1]));
    const padding = this.#symmetric ? (kernel.shape[0] - 1) / 2 : "same";
    const geometry = { kind: "conv", stride: this.#stride, padding } as const;
    const bias = foldBias(this.bias, affine);
    return fusedConvolution(x, kernel, geometry, { bias, add, activation });
  }
}

/** A 2-D convolution of each channel with a kernel of its own, "same" padding, without bias. */
export class DepthwiseConv2D implements Convolution {
  readonly #kernel: tf.Variable;
  readonly #stride: number;

  constructor(
    weights: Weights,
    name: string,
    options: { input: number; kernel: number; stride?: number; initializer?: Initializer },
  ) {
    const { input, kernel, stride = 1, initializer = "glorot-uniform" } = options;
    this.#kernel = weights.create(`${name}/kernel`, [kernel, kernel, input, 1], initializer);
    this.#stride = stride;
  }

  /** `[batch, height, width, input]` to `[batch, height / stride, width / stride, input]`. */
  apply(x: tf.Tensor4D, imageScale?: tf.Tensor4D): tf.Tensor4D {
    return depthwiseConv2d(scaled(x, imageScale), this.#kernel as tf.Tensor4D, this.#stride);
  }

  /** As {@linkcode apply}, for inference, with what follows. */
  applyFused(x: tf.Tensor4D, { affine, add, activation }: Follow): tf.Tensor4D {
    // The kernel's channels are its third axis.
    const scale = affine && tf.reshape(affine.scale, [1, 1, -1, 1]);
    const kernel = (scale ? tf.mul(this.#kernel, scale) : this.#kernel) as tf.Tensor4D;
    const geometry = { kind: "depthwise", stride: this.#stride, padding: "same" } as const;
    return fusedConvolution(x, kernel, geometry, { bias: affine?.shift, add, activation });
  }
}

/** A transposed 2-D convolution that doubles height and width: stride 2, "same" padding, bias. */
export class UpConv2D {
  readonly kernel: tf.Variable;
  readonly bias: tf.Variable;

  constructor(
    weights: Weights,
    name: string,
    { input, filters, kernel }: { input: number; filters: number; kernel: number },
  ) {
    const shape = [kernel, kernel, filters, input];
    this.kernel = weights.create(`${name}/kernel`, shape, "glorot-uniform");
    this.bias = weights.create(`${name}/bias`, [filters], "zeros");
  }

  /** `[batch, height, width, input]` to `[batch, 2 height, 2 width, filters]`. */
  apply(x: tf.Tensor4D): tf.Tensor4D {
    return biasAdd(doublingConv2d(x, this.kernel as tf.Tensor4D), this.bias);
  }
}
