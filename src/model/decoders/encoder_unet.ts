import { tf } from "@/tensorflow/mod.ts";
import { Diagram } from "../diagram.ts";
import type { Encoder } from "../encoders/mod.ts";
import type { Forward } from "../forward.ts";
import { Conv2D, UpConv2D } from "../layers/mod.ts";
import type { Weights } from "../weights.ts";
import { type Decoder, type DecoderOptions, dropoutAt, outputBias } from "./decoder.ts";
import { channelsAt, mapAt } from "./features.ts";
import { Middle } from "./middle.ts";
import { Block } from "./residual_block.ts";

/** Strides at which the decoder meets the encoder. */
const STRIDES = [16, 8, 4, 2] as const;

interface Level {
  stride: number;
  up: UpConv2D;
  block: Block;
}

/**
 * A U-Net on any encoder's maps, with the report's middle and residual blocks: its simplified U-Net++
 * without the hyper-paths.
 */
export class EncoderUnet implements Decoder {
  readonly graph: Diagram;
  readonly #encoder: Encoder;
  readonly #middle: Middle;
  readonly #levels: Level[] = [];
  readonly #lastUp: UpConv2D;
  readonly #lastBlock: Block;
  readonly #output: Conv2D;
  readonly #dropout: number;

  /** @throws {RangeError} If the encoder has no maps of the strides 2, 4, 8 and 16. */
  constructor(weights: Weights, encoder: Encoder, options: DecoderOptions) {
    const { startFilters: n } = options;
    this.#encoder = encoder;
    this.#dropout = options.dropout;
    this.#middle = new Middle(weights, encoder, options);
    this.graph = new Diagram("U-Net with an encoder");
    this.graph.addEncoder(encoder);
    this.#middle.draw(this.graph);

    const newUp = (stride: number, input: number) =>
      new UpConv2D(weights, `up_${nameOf("d", stride)}`, { input, filters: n * stride, kernel: 3 });
    const newBlock = (stride: number, input: number) =>
      new Block(weights, nameOf("u", stride), {
        ...options,
        input,
        filters: n * stride,
        dropRate: dropoutAt(stride, options),
      });
    let last = "middle", input = this.#middle.filters;
    for (const [i, stride] of STRIDES.entries()) {
      const name = nameOf("u", stride), filters = n * stride;
      this.#levels.push({
        stride,
        up: newUp(stride, input),
        block: newBlock(stride, filters + channelsAt(encoder, stride)),
      });
      this.graph.add(name, stride, filters, i + 1);
      this.graph.link("up", name, last);
      this.graph.link("skip", name, `tap${stride}`);
      last = name;
      input = filters;
    }
    this.#lastUp = newUp(1, input);
    this.#lastBlock = newBlock(1, n);
    this.#output = new Conv2D(weights, "output", {
      input: n,
      filters: 1,
      kernel: 1,
      bias: outputBias(options),
    });
    this.graph.add("u0", 1, n, STRIDES.length + 1);
    this.graph.link("up", "u0", last);
    this.graph.add("output", 1, 1, STRIDES.length + 2);
    this.graph.link("skip", "output", "u0");
  }

  outputs(features: readonly tf.Tensor4D[], forward: Forward): [tf.Tensor4D] {
    let x = this.#middle.apply(features, forward);
    for (const { stride, up, block } of this.#levels) {
      x = block.apply([up.apply(x), mapAt(this.#encoder, features, stride)], forward);
    }
    x = this.#lastBlock.apply(this.#lastUp.apply(x), forward);
    return [this.#output.applyDropped(x, this.#dropout / 2, forward)];
  }
}

/** The report's names: `d4` is made from the level below, `u4` from that and the encoder's map. */
function nameOf(letter: "d" | "u", stride: number): string {
  return `${letter}${Math.log2(stride)}`;
}
