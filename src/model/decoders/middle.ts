import { tf } from "@/tensorflow/mod.ts";
import type { Diagram } from "../diagram.ts";
import type { Encoder } from "../encoders/mod.ts";
import type { Forward } from "../forward.ts";
import { Conv2D, leakyRelu } from "../layers/mod.ts";
import type { Weights } from "../weights.ts";
import type { DecoderOptions } from "./decoder.ts";
import { channelsAt, hasStride, mapAt } from "./features.ts";
import { LEAKY_RELU, Residual, SLOPE } from "./residual_block.ts";

/** Filters of the middle, in start filters. */
const WIDTH = 32;

/**
 * The report's middle, the decoder's coarsest level at stride 32: dropout, a convolution, two residual
 * blocks. It works on the encoder's map of stride 32, or where there is none on the pooled map of
 * stride 16.
 */
export class Middle {
  readonly filters: number;
  readonly #encoder: Encoder;
  readonly #pools: boolean;
  readonly #conv: Conv2D;
  readonly #residuals: [Residual, Residual];
  readonly #dropout: number;

  constructor(weights: Weights, encoder: Encoder, options: DecoderOptions) {
    this.#encoder = encoder;
    this.#pools = !hasStride(encoder, 32);
    this.#dropout = options.dropout;
    this.filters = WIDTH * options.startFilters;
    const input = channelsAt(encoder, this.#pools ? 16 : 32);
    this.#conv = new Conv2D(weights, "middle_conv", { input, filters: this.filters, kernel: 3 });
    this.#residuals = [
      new Residual(weights, "middle_1", this.filters, options),
      new Residual(weights, "middle_2", this.filters, options),
    ];
  }

  /** The encoder's maps to `[batch, height / 32, width / 32, filters]`. */
  apply(features: readonly tf.Tensor4D[], forward: Forward): tf.Tensor4D {
    const coarsest = this.#pools
      ? tf.maxPool(mapAt(this.#encoder, features, 16), 2, 2, "valid")
      : mapAt(this.#encoder, features, 32);
    // The report pools after LeakyReLU, which is the same as it never falls, and costs more.
    const x = this.#conv.applyDropped(leakyRelu(coarsest, SLOPE), this.#dropout, forward);
    const [first, second] = this.#residuals;
    return second.apply(first.apply(x, forward), forward, LEAKY_RELU);
  }

  /** Adds the node "middle" in the encoder's column, or right of its map of stride 32. */
  draw(diagram: Diagram): void {
    diagram.add("middle", 32, this.filters, this.#pools ? 0 : 1);
    if (this.#pools) diagram.link("down", "middle", "tap16");
    else diagram.link("skip", "middle", "tap32");
  }
}
