import { tf } from "@/tensorflow/mod.ts";
import { Diagram } from "../diagram.ts";
import type { Encoder } from "../encoders/mod.ts";
import type { Forward } from "../forward.ts";
import { Conv2D, ConvBlock, UpConv2D } from "../layers/mod.ts";
import type { Weights } from "../weights.ts";
import { type Decoder, type DecoderOptions, outputBias } from "./decoder.ts";
import { channelsAt, mapAt } from "./features.ts";

/** Strides of the levels, from the one above the deepest to full size. */
const STRIDES = [8, 4, 2, 1] as const;

interface Level {
  stride: number;
  up: UpConv2D;
  block: ConvBlock;
}

/**
 * The expanding path of the U-Net (Ronneberger, Fischer & Brox 2015), with "same" padding and
 * BatchNorm: at each level a transposed convolution doubles the size and halves the channels, the
 * encoder's map is put beside it, and two convolutions follow. Level k of layer l is `x_{k}_{l}`.
 */
export class UnetDecoder implements Decoder {
  readonly graph: Diagram;
  readonly #encoder: Encoder;
  readonly #levels: Level[] = [];
  readonly #output: Conv2D;
  readonly #dropout: number;

  /** @throws {RangeError} If the encoder has no maps of the strides 1, 2, 4, 8 and 16. */
  constructor(weights: Weights, encoder: Encoder, options: DecoderOptions) {
    const { startFilters } = options;
    this.#encoder = encoder;
    this.#dropout = options.dropout;
    this.graph = new Diagram("U-Net");
    this.graph.addEncoder(encoder, (stride) => nameOf(stride, 0));

    let input = channelsAt(encoder, 16);
    for (const [i, stride] of STRIDES.entries()) {
      const name = nameOf(stride, i + 1), filters = startFilters * stride;
      this.#levels.push({
        stride,
        up: new UpConv2D(weights, `${name}_up`, { input, filters, kernel: 2 }),
        block: new ConvBlock(
          weights,
          name,
          { input: filters + channelsAt(encoder, stride), filters },
          options,
        ),
      });
      input = filters;
      this.graph.add(name, stride, filters, i + 1);
      this.graph.link("skip", name, nameOf(stride, 0));
      this.graph.link("up", name, nameOf(2 * stride, i));
    }
    this.#output = new Conv2D(weights, "output", {
      input,
      filters: 1,
      kernel: 1,
      bias: outputBias(options),
    });
    this.graph.add("output", 1, 1, STRIDES.length + 1);
    this.graph.link("skip", "output", nameOf(1, STRIDES.length));
  }

  outputs(features: readonly tf.Tensor4D[], forward: Forward): [tf.Tensor4D] {
    let x = mapAt(this.#encoder, features, 16);
    for (const { stride, up, block } of this.#levels) {
      const joined = tf.concat([mapAt(this.#encoder, features, stride), up.apply(x)], -1);
      x = block.apply(joined, forward);
    }
    return [this.#output.applyDropped(x, this.#dropout / 2, forward)];
  }
}

function nameOf(stride: number, layer: number): string {
  return `x_${Math.log2(stride)}_${layer}`;
}
