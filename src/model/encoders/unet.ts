import { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import { ConvBlock, dropout } from "../layers/mod.ts";
import type { Weights } from "../weights.ts";
import type { Encoder, FeatureMap } from "./encoder.ts";

/** Levels of the network: full size and four halvings. */
const DEPTH = 5;
/** The first of the two deepest levels, where the paper has dropout. */
const DROPOUT_LEVEL = 3;

/** Settings of the encoder. */
export interface UnetEncoderOptions {
  /** Filters at full size, doubled at each halving. The paper: 64. */
  startFilters: number;
  /** Dropout rate at the end of the two deepest levels, in `[0, 1)`. */
  dropout: number;
  batchNormMomentum: number;
}

/**
 * The contracting path of the U-Net (Ronneberger, Fischer & Brox 2015): two convolutions at each
 * level, and maximum pooling in between. Two things differ from the paper, as in most later work:
 * "same" padding, so that the mask is as large as the image, and BatchNorm after each convolution.
 */
export class UnetEncoder implements Encoder {
  readonly name = "unet";
  readonly features: readonly FeatureMap[];
  readonly #blocks: ConvBlock[];
  readonly #dropout: number;

  constructor(weights: Weights, options: UnetEncoderOptions) {
    const { startFilters } = options;
    this.#dropout = options.dropout;
    this.features = Array.from({ length: DEPTH }, (_, level) => ({
      stride: 2 ** level,
      channels: startFilters * 2 ** level,
      name: `x_${level}_0`,
    }));
    this.#blocks = this.features.map(({ name, channels }, level) => {
      const input = level === 0 ? 3 : this.features[level - 1]!.channels;
      return new ConvBlock(weights, name, { input, filters: channels }, options);
    });
  }

  apply(images: tf.Tensor4D, forward: Forward): tf.Tensor4D[] {
    const features: tf.Tensor4D[] = [];
    let x = images;
    for (const [level, block] of this.#blocks.entries()) {
      if (level > 0) x = tf.maxPool(x, 2, 2, "valid");
      x = block.apply(x, forward);
      if (level >= DROPOUT_LEVEL) x = dropout(x, this.#dropout, forward);
      features.push(x);
    }
    return features;
  }
}
