import { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import {
  ConvBatchNorm,
  type NormalizationOptions,
  RELU,
  SqueezeExcitation,
} from "../layers/mod.ts";
import type { Weights } from "../weights.ts";
import type { Encoder, FeatureMap } from "./encoder.ts";

/** How a residual network's blocks are made. */
interface Variant {
  /** "basic": two 3x3 convolutions; "bottleneck": 1x1, 3x3 and 1x1. */
  block: "basic" | "bottleneck";
  /** Output channels of the first stage's blocks; twice as many in each further stage. */
  output: number;
  /** Channels of the 3x3 convolution (both, in basic blocks) in the first stage. */
  width: number;
  /** Groups of that convolution. */
  groups: number;
  /** Output channels for each of squeeze-and-excitation's; 0 for none. */
  squeeze: number;
  /** Which of a block's convolutions has the stride, from 0. */
  strided: number;
  /** Added to BatchNorm's variance. */
  epsilon: number;
}

const BOTTLENECK: Variant = {
  block: "bottleneck",
  output: 256,
  width: 64,
  groups: 1,
  squeeze: 0,
  strided: 1,
  epsilon: 1e-5,
};

/**
 * The residual networks. As those who trained them publish them:
 *
 * - `resnet34`, `resnet50`: torchvision's and timm's (He et al. 2016), the latter with the stride in the
 *   3x3 convolution ("v1.5").
 * - `resnet50-v1`: Keras's `ResNet50`, with the stride in the first 1x1 convolution, as in the paper.
 *   Keras gives each convolution a bias, which the BatchNorm behind it takes away again: here there
 *   is none, and biases of files go into BatchNorm's means.
 * - `seresnext50-32x4d`: timm's (Xie et al. 2017, Hu et al. 2018): 32 groups in the 3x3 convolution,
 *   squeeze-and-excitation to a sixteenth before the sum.
 */
const VARIANTS = {
  "resnet34": { ...BOTTLENECK, block: "basic", output: 64, strided: 0 },
  "resnet50": BOTTLENECK,
  "resnet50-v1": { ...BOTTLENECK, strided: 0, epsilon: 1.001e-5 },
  "seresnext50-32x4d": { ...BOTTLENECK, width: 128, groups: 32, squeeze: 16 },
} as const satisfies Record<string, Variant>;

/** The name of a residual network. */
export type ResNetName = keyof typeof VARIANTS;

/** The names of all residual networks. */
export const RESNETS = Object.keys(VARIANTS) as ResNetName[];

/** Blocks of the stages with strides 4, 8 and 16; all variants have as many. */
const BLOCKS = [3, 4, 6] as const;
const STEM_CHANNELS = 64;

/**
 * A residual network up to the stage of stride 16. Feature maps, in the names of Keras:
 *
 * | stride | map               | channels (34, others) |
 * | ------ | ----------------- | --------------------- |
 * | 2      | `conv1_relu`      | 64, 64                |
 * | 4      | `conv2_block3_out`| 64, 256               |
 * | 8      | `conv3_block4_out`| 128, 512              |
 * | 16     | `conv4_block6_out`| 256, 1024             |
 *
 * Each is taken behind its activation. The stage of stride 32 is not used, as with EfficientNet.
 */
export class ResNet implements Encoder {
  readonly features: readonly FeatureMap[];
  readonly #stem: ConvBatchNorm;
  readonly #stages: Block[][];

  /** @param normalization How activations are normalised; the variant gives the epsilon. */
  constructor(
    weights: Weights,
    readonly name: ResNetName,
    normalization: NormalizationOptions,
  ) {
    const variant = VARIANTS[name];
    const norm = { ...normalization, epsilon: variant.epsilon };
    this.#stem = new ConvBatchNorm(weights, "conv1_conv", "conv1_bn", norm, {
      input: 3,
      filters: STEM_CHANNELS,
      kernel: 7,
      stride: 2,
      padding: "symmetric",
    });
    this.#stages = BLOCKS.map((count, stage) => {
      const output = variant.output * 2 ** stage;
      const before = stage === 0 ? STEM_CHANNELS : output / 2;
      return Array.from(
        { length: count },
        (_, i) =>
          new Block(weights, `conv${stage + 2}_block${i + 1}`, norm, {
            variant,
            input: i === 0 ? before : output,
            width: variant.width * 2 ** stage,
            output,
            stride: i === 0 && stage > 0 ? 2 : 1,
          }),
      );
    });
    this.features = [
      { stride: 2, channels: STEM_CHANNELS, name: "conv1_relu" },
      ...BLOCKS.map((count, stage) => ({
        stride: 4 * 2 ** stage,
        channels: variant.output * 2 ** stage,
        name: `conv${stage + 2}_block${count}_out`,
      })),
    ];
  }

  apply(images: tf.Tensor4D, forward: Forward): tf.Tensor4D[] {
    const stem = this.#stem.apply(images, forward, { activation: RELU });
    const features = [stem];
    // Zeros on each side change no maximum of what has gone through ReLU.
    const padded = tf.pad(stem, [[0, 0], [1, 1], [1, 1], [0, 0]]);
    let x = tf.maxPool(padded, 3, 2, "valid");
    for (const blocks of this.#stages) {
      for (const block of blocks) x = block.apply(x, forward);
      features.push(x);
    }
    return features;
  }
}

interface BlockOptions {
  variant: Variant;
  input: number;
  width: number;
  output: number;
  stride: number;
}

/** A residual block: convolutions with ReLU between them, plus the input, then ReLU. */
class Block {
  readonly #convolutions: ConvBatchNorm[];
  readonly #excitation: SqueezeExcitation | undefined;
  readonly #shortcut: ConvBatchNorm | undefined;

  constructor(
    weights: Weights,
    name: string,
    norm: NormalizationOptions,
    { variant, input, width, output, stride }: BlockOptions,
  ) {
    const convolution = (
      part: number,
      options: { input: number; filters: number; kernel: number; stride: number; groups?: number },
    ) =>
      new ConvBatchNorm(weights, `${name}_${part}_conv`, `${name}_${part}_bn`, norm, {
        ...options,
        padding: "symmetric",
      });
    if (stride !== 1 || input !== output) {
      this.#shortcut = convolution(0, { input, filters: output, kernel: 1, stride });
    }
    const { groups } = variant;
    const parts = variant.block === "basic"
      ? [
        { input, filters: width, kernel: 3 },
        { input: width, filters: output, kernel: 3 },
      ]
      : [
        { input, filters: width, kernel: 1 },
        { input: width, filters: width, kernel: 3, groups },
        { input: width, filters: output, kernel: 1 },
      ];
    this.#convolutions = parts.map((part, i) =>
      convolution(i + 1, { ...part, stride: i === variant.strided ? stride : 1 })
    );
    if (variant.squeeze > 0) {
      this.#excitation = new SqueezeExcitation(weights, name, {
        channels: output,
        squeezed: output / variant.squeeze,
        activation: RELU,
      });
    }
  }

  apply(x: tf.Tensor4D, forward: Forward): tf.Tensor4D {
    const shortcut = this.#shortcut ? this.#shortcut.apply(x, forward) : x;
    const activation = RELU;
    const last = this.#convolutions.at(-1)!;
    let y = x;
    for (const convolution of this.#convolutions.slice(0, -1)) {
      y = convolution.apply(y, forward, { activation });
    }
    if (!this.#excitation) return last.apply(y, forward, { add: shortcut, activation });
    return tf.relu(tf.add(this.#excitation.apply(last.apply(y, forward)), shortcut));
  }
}
