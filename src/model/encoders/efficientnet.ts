import { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import {
  checkpointed,
  ConvBatchNorm,
  createNormalization,
  DepthwiseConv2D,
  type Normalization,
  type NormalizationOptions,
  normalized,
  type Part,
  SqueezeExcitation,
  stochasticDepth,
  SWISH,
} from "../layers/mod.ts";
import type { Weights } from "../weights.ts";
import type { Encoder, FeatureMap } from "./encoder.ts";

/** How much wider and deeper than B0 each variant is (Tan & Le 2019, "EfficientNet"). */
const VARIANTS = {
  "efficientnet-b0": { width: 1.0, depth: 1.0 },
  "efficientnet-b1": { width: 1.0, depth: 1.1 },
  "efficientnet-b2": { width: 1.1, depth: 1.2 },
  "efficientnet-b3": { width: 1.2, depth: 1.4 },
  "efficientnet-b4": { width: 1.4, depth: 1.8 },
  "efficientnet-b5": { width: 1.6, depth: 2.2 },
  "efficientnet-b6": { width: 1.8, depth: 2.6 },
  "efficientnet-b7": { width: 2.0, depth: 3.1 },
} as const;

/** The name of an EfficientNet. */
export type EfficientNetName = keyof typeof VARIANTS;

/** The names of all EfficientNets. */
export const EFFICIENTNETS = Object.keys(VARIANTS) as EfficientNetName[];

/** The stages of B0 (table 1 of the paper). */
const STAGES = [
  { repeats: 1, kernel: 3, stride: 1, expand: 1, input: 32, output: 16 },
  { repeats: 2, kernel: 3, stride: 2, expand: 6, input: 16, output: 24 },
  { repeats: 2, kernel: 5, stride: 2, expand: 6, input: 24, output: 40 },
  { repeats: 3, kernel: 3, stride: 2, expand: 6, input: 40, output: 80 },
  { repeats: 3, kernel: 5, stride: 1, expand: 6, input: 80, output: 112 },
  { repeats: 4, kernel: 5, stride: 2, expand: 6, input: 112, output: 192 },
  { repeats: 1, kernel: 3, stride: 1, expand: 6, input: 192, output: 320 },
] as const;

/** Share of the block's input channels that squeeze-and-excitation keeps. */
const SQUEEZE = 0.25;

/** Settings of an encoder that do not follow from its name. */
export interface EfficientNetOptions extends NormalizationOptions {
  /** Whether the backward pass computes blocks again instead of keeping what is inside. Default: no. */
  gradientCheckpointing?: boolean;
  /** Rate of stochastic depth at the last block; it grows linearly from 0. Keras: 0.2. */
  dropConnect: number;
}

interface BlockOptions extends EfficientNetOptions {
  input: number;
  output: number;
  expand: number;
  kernel: number;
  stride: number;
  dropRate: number;
}

/**
 * EfficientNet as Keras builds it, without the input's normalisation, up to the last feature map that
 * the report uses: the expansion of the first block with stride 2 in stages 2, 3, 4 and 6.
 */
export class EfficientNet implements Encoder {
  readonly features: readonly FeatureMap[];
  readonly #stem: ConvBatchNorm;
  readonly #blocks: Block[] = [];

  constructor(weights: Weights, readonly name: EfficientNetName, options: EfficientNetOptions) {
    const { width, depth } = VARIANTS[name];
    const repeatsOf = (repeats: number) => Math.ceil(repeats * depth);
    const blockCount = STAGES.reduce((sum, stage) => sum + repeatsOf(stage.repeats), 0);
    const features: FeatureMap[] = [];

    this.#stem = new ConvBatchNorm(weights, "stem_conv", "stem_bn", options, {
      input: 3,
      filters: scaleChannels(32, width),
      kernel: 3,
      stride: 2,
    });
    let blockIndex = 0;
    let stride = 2;
    for (const [s, stage] of STAGES.entries()) {
      for (let repeat = 0; repeat < repeatsOf(stage.repeats); repeat++) {
        const first = repeat === 0;
        const block = new Block(weights, `block${s + 1}${String.fromCharCode(97 + repeat)}`, {
          ...options,
          ...stage,
          input: scaleChannels(first ? stage.input : stage.output, width),
          output: scaleChannels(stage.output, width),
          stride: first ? stage.stride : 1,
          dropRate: options.dropConnect * blockIndex++ / blockCount,
        }, { onlyExpand: stride === 16 && first && stage.stride === 2 });
        this.#blocks.push(block);
        if (!first || stage.stride !== 2) continue;
        features.push({
          stride,
          channels: block.expanded,
          name: `${block.name}_expand_activation`,
        });
        if (stride === 16) {
          this.features = features;
          return;
        }
        stride *= 2;
      }
    }
    throw new Error(`Cannot build ${name} as its stages have no feature map of stride 16`);
  }

  apply(images: tf.Tensor4D, forward: Forward): tf.Tensor4D[] {
    const features: tf.Tensor4D[] = [];
    let x = this.#stem.apply(images, forward, { activation: SWISH });
    for (const block of this.#blocks) {
      if (!block.isTapped) {
        x = block.apply(x, forward);
        continue;
      }
      const expanded = block.expand(x, forward);
      features.push(expanded);
      if (block.onlyExpand) break;
      x = block.contract(expanded, forward);
    }
    return features;
  }
}

/** A mobile inverted bottleneck with squeeze-and-excitation (section 4 of the paper). */
class Block {
  readonly expanded: number;
  readonly isTapped: boolean;
  readonly onlyExpand: boolean;
  readonly #expand: ConvBatchNorm | undefined;
  readonly #rest: BlockRest | undefined;
  readonly #residual: boolean;
  readonly #dropRate: number;
  /** Its weights, if what is inside is computed again. */
  readonly #recomputed: tf.Variable[] | undefined;

  constructor(
    weights: Weights,
    readonly name: string,
    options: BlockOptions,
    { onlyExpand }: { onlyExpand: boolean },
  ) {
    const { input, output, expand, stride } = options;
    this.expanded = input * expand;
    this.isTapped = stride === 2;
    this.onlyExpand = onlyExpand;
    this.#residual = stride === 1 && input === output;
    this.#dropRate = options.dropRate;
    if (expand !== 1) {
      const { expanded } = this;
      this.#expand = new ConvBatchNorm(
        weights,
        `${name}_expand_conv`,
        `${name}_expand_bn`,
        options,
        { input, filters: expanded, kernel: 1 },
      );
    }
    if (!onlyExpand) this.#rest = new BlockRest(weights, name, this.expanded, options);
    if (options.gradientCheckpointing) this.#recomputed = weights.trainableUnder(`${name}_`);
  }

  /** The whole block. */
  apply(x: tf.Tensor4D, forward: Forward): tf.Tensor4D {
    const part = (x: tf.Tensor4D, forward: Forward): tf.Tensor4D => {
      const expanded = this.#expanded(x, forward);
      if (!this.#residual) return this.#rest!.apply(expanded, forward);
      if (!forward.training) return this.#rest!.apply(expanded, forward, x);
      return tf.add(
        stochasticDepth(this.#rest!.apply(expanded, forward), this.#dropRate, forward),
        x,
      );
    };
    return this.#run(part, x, forward);
  }

  /** Its first half, up to the feature map; of a block that is tapped. */
  expand(x: tf.Tensor4D, forward: Forward): tf.Tensor4D {
    return this.#run((x, forward) => this.#expanded(x, forward), x, forward);
  }

  /** Its second half, of a block that is tapped: such a block has no shortcut. */
  contract(expanded: tf.Tensor4D, forward: Forward): tf.Tensor4D {
    return this.#run((x, forward) => this.#rest!.apply(x, forward), expanded, forward);
  }

  #expanded(x: tf.Tensor4D, forward: Forward): tf.Tensor4D {
    return this.#expand ? this.#expand.apply(x, forward, { activation: SWISH }) : x;
  }

  #run(part: Part, x: tf.Tensor4D, forward: Forward): tf.Tensor4D {
    return this.#recomputed ? checkpointed(part, x, this.#recomputed, forward) : part(x, forward);
  }
}

/** What follows a block's expansion: depthwise convolution, squeeze-and-excitation, projection. */
class BlockRest {
  readonly #depthwise: DepthwiseConv2D;
  readonly #norm: Normalization;
  readonly #excitation: SqueezeExcitation;
  readonly #project: ConvBatchNorm;

  constructor(weights: Weights, name: string, expanded: number, options: BlockOptions) {
    const { input, output, kernel, stride } = options;
    this.#depthwise = new DepthwiseConv2D(weights, `${name}_dwconv`, {
      input: expanded,
      kernel,
      stride,
      initializer: "fan-out-truncated-normal",
    });
    this.#norm = createNormalization(weights, `${name}_bn`, expanded, options);
    this.#excitation = new SqueezeExcitation(weights, name, {
      channels: expanded,
      squeezed: Math.max(1, Math.floor(input * SQUEEZE)),
      activation: SWISH,
    });
    this.#project = new ConvBatchNorm(
      weights,
      `${name}_project_conv`,
      `${name}_project_bn`,
      options,
      { input: expanded, filters: output, kernel: 1 },
    );
  }

  /** @param add What is added to the result. */
  apply(x: tf.Tensor4D, forward: Forward, add?: tf.Tensor4D): tf.Tensor4D {
    const y = normalized(this.#depthwise, this.#norm, x, forward, { activation: SWISH });
    // One image's channel weights can go into the projection's kernel instead of a pass over the map.
    if (!forward.training && y.shape[0] === 1) {
      const inputScale = this.#excitation.channelWeights(y);
      return this.#project.apply(y, forward, { inputScale, add });
    }
    const [z, imageScale] = this.#excitation.imageWeights(y);
    return this.#project.apply(z, forward, { imageScale, add });
  }
}

/** Channels times a factor, rounded to a multiple of 8 without losing more than a tenth. */
function scaleChannels(channels: number, factor: number): number {
  const scaled = channels * factor;
  const rounded = Math.max(8, Math.floor((scaled + 4) / 8) * 8);
  return rounded < 0.9 * scaled ? rounded + 8 : rounded;
}
