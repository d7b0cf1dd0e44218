import { tf } from "@/tensorflow/mod.ts";
import { Diagram } from "../diagram.ts";
import type { Encoder } from "../encoders/mod.ts";
import type { Forward } from "../forward.ts";
import { Conv2D, ConvBlock, dropout, UpConv2D } from "../layers/mod.ts";
import type { Weights } from "../weights.ts";
import { type Decoder, type DecoderOptions, dropoutAt, outputBias } from "./decoder.ts";
import { channelsAt, hasStride, mapAt } from "./features.ts";

/** The deepest level; level d has stride `2^(d + 1)`. */
const DEEPEST = 4;

/** One inner node `x_{depth}_{layer}`. */
interface Node {
  depth: number;
  layer: number;
  up: UpConv2D;
  block: ConvBlock;
}

/** From `x_0_{layer}` to logits at full size. */
interface Head {
  layer: number;
  up: UpConv2D;
  conv: Conv2D;
}

/**
 * U-Net++ (Zhou et al. 2018) on an encoder's maps. Node `x_{depth}_{layer}` is made by two
 * convolutions from all nodes left of it at its depth and from the one below, doubled in size;
 * `x_{depth}_0` is the encoder's map of stride `2^(depth + 1)`, and `x_4_0` is made from the pooled
 * map of stride 16 where the encoder has none of stride 32.
 *
 * A head doubles `x_0_4` to full size. With deep supervision `x_0_1`, `x_0_2` and `x_0_3` have heads
 * too: each learns the mask, and their mean is the prediction (the paper's "accurate mode").
 */
export class UnetPlusPlus implements Decoder {
  readonly graph: Diagram;
  readonly #encoder: Encoder;
  readonly #deepest: ConvBlock | undefined;
  readonly #nodes: Node[] = [];
  readonly #heads: Head[];
  readonly #options: DecoderOptions;

  /** @throws {RangeError} If the encoder has no maps of the strides 2, 4, 8 and 16. */
  constructor(weights: Weights, encoder: Encoder, options: DecoderOptions) {
    const { startFilters, deepSupervision } = options;
    const filtersAt = (depth: number) => startFilters * strideAt(depth);
    this.#encoder = encoder;
    this.#options = options;
    this.graph = new Diagram("U-Net++");
    this.graph.addEncoder(encoder, (stride) => nameOf(Math.log2(stride) - 1, 0));

    const channels = [2, 4, 8, 16].map((stride) => channelsAt(encoder, stride));
    if (hasStride(encoder, 32)) {
      channels.push(channelsAt(encoder, 32));
    } else {
      const name = nameOf(DEEPEST, 0), filters = filtersAt(DEEPEST);
      this.#deepest = new ConvBlock(weights, name, { input: channels.at(-1)!, filters }, options);
      this.graph.add(name, strideAt(DEEPEST), filters, 0);
      this.graph.link("down", name, nameOf(DEEPEST - 1, 0));
      channels.push(filters);
    }

    for (let layer = 1; layer <= DEEPEST; layer++) {
      for (let depth = 0; depth <= DEEPEST - layer; depth++) {
        const name = nameOf(depth, layer), filters = filtersAt(depth);
        const below = layer === 1 ? channels[depth + 1]! : filtersAt(depth + 1);
        this.#nodes.push({
          depth,
          layer,
          up: new UpConv2D(weights, `${name}_up`, { input: below, filters, kernel: 2 }),
          block: new ConvBlock(
            weights,
            name,
            { input: channels[depth]! + layer * filters, filters },
            options,
          ),
        });
        this.graph.add(name, strideAt(depth), filters, layer);
        const left = Array.from({ length: layer }, (_, i) => nameOf(depth, i));
        this.graph.link("skip", name, ...left);
        this.graph.link("up", name, nameOf(depth + 1, layer - 1));
      }
    }

    const layers = deepSupervision ? [1, 2, 3, 4] : [DEEPEST];
    this.graph.add("output", 1, 1, DEEPEST + 1);
    this.#heads = layers.map((layer) => {
      const name = `head_${layer}`;
      this.graph.add(name, 1, startFilters, layer);
      this.graph.link("up", name, nameOf(0, layer));
      this.graph.link("skip", "output", name);
      return {
        layer,
        up: new UpConv2D(weights, `${name}_up`, {
          input: filtersAt(0),
          filters: startFilters,
          kernel: 3,
        }),
        conv: new Conv2D(weights, `${name}_output`, {
          input: startFilters,
          filters: 1,
          kernel: 1,
          bias: outputBias(options),
        }),
      };
    });
  }

  outputs(features: readonly tf.Tensor4D[], forward: Forward): tf.Tensor4D[] {
    // rows[depth][layer]
    const rows = [2, 4, 8, 16].map((stride) => [mapAt(this.#encoder, features, stride)]);
    rows.push([this.#deepestMap(features, forward)]);
    for (const { depth, layer, up, block } of this.#nodes) {
      const row = rows[depth]!;
      const joined = tf.concat([...row, up.apply(rows[depth + 1]![layer - 1]!)], -1);
      const rate = dropoutAt(strideAt(depth), this.#options);
      row.push(block.apply(dropout(joined, rate, forward), forward));
    }
    return this.#heads.map(({ layer, up, conv }) => {
      const x = tf.relu(up.apply(rows[0]![layer]!));
      return conv.applyDropped(x, this.#options.dropout / 2, forward);
    });
  }

  #deepestMap(features: readonly tf.Tensor4D[], forward: Forward): tf.Tensor4D {
    if (!this.#deepest) return mapAt(this.#encoder, features, 32);
    const pooled = tf.maxPool(mapAt(this.#encoder, features, 16), 2, 2, "valid");
    return this.#deepest.apply(dropout(pooled, this.#options.dropout, forward), forward);
  }
}

function strideAt(depth: number): number {
  return 2 ** (depth + 1);
}

function nameOf(depth: number, layer: number): string {
  return `x_${depth}_${layer}`;
}
