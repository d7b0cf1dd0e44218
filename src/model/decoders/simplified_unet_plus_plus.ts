import { tf } from "@/tensorflow/mod.ts";
import type { Encoder } from "../encoders/mod.ts";
import type { Forward } from "../forward.ts";
import {
  checkpointed,
  Conv2D,
  createNormalization,
  dropout,
  leakyRelu,
  type Normalization,
  type NormalizationOptions,
  UpConv2D,
} from "../layers/mod.ts";
import type { GraphEdge, GraphNode, ModelGraph } from "../model_graph.ts";
import type { Weights } from "../weights.ts";

/** Slope of every LeakyReLU of the report's decoder. */
const SLOPE = 0.1;
/** The report's dropout rate at the fine levels, whatever the rate of the others. */
const FINE_DROPOUT = 0.1;

/** Settings of the decoder. */
export interface DecoderOptions extends NormalizationOptions {
  /** Filters at the finest level; level k has `2^k` times as many. Report: 8. */
  startFilters: number;
  /** Dropout rate of the coarse levels, in `[0, 1)`; half of it precedes the output. Report: 0.5. */
  dropout: number;
  /** Whether the backward pass computes blocks again instead of keeping what is inside. Default: no. */
  gradientCheckpointing?: boolean;
}

/**
 * The report's simplified U-Net++ (after Zhou et al. 2018): where U-Net++ has a block at each of its
 * inner nodes `x_{depth}_{layer}`, here a chain of up-convolutions carries a decoder's output to the
 * finer levels ("hyper-paths").
 */
export class SimplifiedUnetPlusPlus {
  readonly #middle: { conv: Conv2D; first: Residual; second: Residual };
  readonly #ups: Record<string, UpConv2D>;
  readonly #blocks: { u4: Block; u3: Block; u2: Block; u1: Block; u0: Block };
  readonly #output: Conv2D;
  readonly #dropout: number;
  readonly graph: ModelGraph;

  /** @throws {RangeError} If the encoder has no maps of the strides 2, 4, 8 and 16. */
  constructor(weights: Weights, encoder: Encoder, options: DecoderOptions) {
    const { startFilters: n, dropout: rate } = options;
    const [tap2, tap4, tap8, tap16] = [2, 4, 8, 16].map((stride) => channelsAt(encoder, stride));
    this.#dropout = rate;
    this.#middle = {
      conv: new Conv2D(weights, "middle_conv", { input: tap16!, filters: 32 * n, kernel: 3 }),
      first: new Residual(weights, "middle_1", 32 * n, options),
      second: new Residual(weights, "middle_2", 32 * n, options),
    };
    const up = (name: string, input: number, filters: number) =>
      new UpConv2D(weights, `up_${name}`, { input, filters, kernel: 3 });
    this.#ups = {
      d4: up("d4", 32 * n, 16 * n),
      d4a: up("d4a", 16 * n, 16 * n),
      d4b: up("d4b", 16 * n, 16 * n),
      d4c: up("d4c", 16 * n, 16 * n),
      d3: up("d3", 16 * n, 8 * n),
      d3a: up("d3a", 8 * n, 8 * n),
      d3b: up("d3b", 8 * n, 8 * n),
      d2: up("d2", 8 * n, 4 * n),
      d2a: up("d2a", 4 * n, 4 * n),
      d1: up("d1", 4 * n, 2 * n),
      d0: up("d0", 2 * n, n),
    };
    const block = (name: string, input: number, filters: number, dropRate: number) =>
      new Block(weights, name, { ...options, input, filters, dropRate });
    this.#blocks = {
      u4: block("u4", 16 * n + tap16!, 16 * n, rate),
      u3: block("u3", 8 * n + 16 * n + tap8!, 8 * n, rate),
      u2: block("u2", 4 * n + 8 * n + 16 * n + tap4!, 4 * n, FINE_DROPOUT),
      u1: block("u1", 2 * n + 4 * n + 8 * n + 16 * n + tap2!, 2 * n, FINE_DROPOUT),
      u0: block("u0", n, n, FINE_DROPOUT),
    };
    this.#output = new Conv2D(weights, "output", { input: n, filters: 1, kernel: 1 });
    this.graph = simplifiedGraph(encoder, n);
  }

  /** Feature maps of the strides 2, 4, 8, 16 to logits `[batch, height, width, 1]`. */
  apply([tap2, tap4, tap8, tap16]: tf.Tensor4D[], forward: Forward): tf.Tensor4D {
    const { u4, u3, u2, u1, u0 } = this.#blocks;
    const up = (name: string, x: tf.Tensor4D) => this.#ups[name]!.apply(x);

    const conv4 = leakyRelu(tap16!, SLOPE);
    const pooled = dropout(tf.maxPool(conv4, 2, 2, "valid"), this.#dropout, forward);
    let middle = this.#middle.conv.apply(pooled);
    middle = this.#middle.first.apply(middle, forward);
    middle = leakyRelu(this.#middle.second.apply(middle, forward), SLOPE);

    const d4 = up("d4", middle);
    const d4a = up("d4a", d4), d4b = up("d4b", d4a), d4c = up("d4c", d4b);
    const x4 = u4.apply(tf.concat([d4, conv4], -1), forward);

    const d3 = up("d3", x4);
    const d3a = up("d3a", d3), d3b = up("d3b", d3a);
    const x3 = u3.apply(tf.concat([d3, d4a, tap8!], -1), forward);

    const d2 = up("d2", x3);
    const d2a = up("d2a", d2);
    const x2 = u2.apply(tf.concat([d2, d3a, d4b, tap4!], -1), forward);

    const d1 = up("d1", x2);
    const x1 = u1.apply(tf.concat([d1, d2a, d3b, d4c, tap2!], -1), forward);

    const x0 = u0.apply(up("d0", x1), forward);
    return this.#output.apply(dropout(x0, this.#dropout / 2, forward));
  }
}

/** The diagram: the encoder's maps on the left, each level's decoder block right of its inputs. */
function simplifiedGraph(encoder: Encoder, n: number): ModelGraph {
  const nodes: GraphNode[] = [];
  const edges: GraphEdge[] = [];
  const add = (name: string, stride: number, channels: number, column: number) => {
    nodes.push({ name, stride, channels, column });
  };
  const link = (kind: GraphEdge["kind"], to: string, ...from: string[]) => {
    for (const name of from) edges.push({ from: name, to, kind });
  };
  for (const { stride, channels } of encoder.features) {
    add(`tap${stride}`, stride, channels, 0);
    if (stride > 2) link("down", `tap${stride}`, `tap${stride / 2}`);
  }
  add("middle", 32, 32 * n, 0);
  link("down", "middle", "tap16");

  // A level's chain of up-convolutions: the decoder's own output first, then the hyper-paths.
  const paths = { d4: 16 * n, d3: 8 * n, d2: 4 * n, d1: 2 * n };
  const addPath = (path: keyof typeof paths, stride: number, column: number, from: string) => {
    add(path, stride, paths[path], column);
    link("up", path, from);
    let last: string = path;
    for (const [i, letter] of ["a", "b", "c"].entries()) {
      const finer = stride / 2 ** (i + 1);
      if (finer < 2) break;
      add(path + letter, finer, paths[path], column);
      link("up", path + letter, last);
      last = path + letter;
    }
  };
  addPath("d4", 16, 1, "middle");
  add("u4", 16, 16 * n, 2);
  link("skip", "u4", "d4", "tap16");
  addPath("d3", 8, 3, "u4");
  add("u3", 8, 8 * n, 4);
  link("skip", "u3", "d3", "d4a", "tap8");
  addPath("d2", 4, 5, "u3");
  add("u2", 4, 4 * n, 6);
  link("skip", "u2", "d2", "d3a", "d4b", "tap4");
  addPath("d1", 2, 7, "u2");
  add("u1", 2, 2 * n, 8);
  link("skip", "u1", "d1", "d2a", "d3b", "d4c", "tap2");
  add("u0", 1, n, 9);
  link("up", "u0", "u1");
  add("output", 1, 1, 10);
  link("skip", "output", "u0");
  return { title: "Simplified U-Net++", nodes, edges };
}

function channelsAt(encoder: Encoder, stride: number): number {
  const feature = encoder.features.find((feature) => feature.stride === stride);
  if (feature) return feature.channels;
  throw new RangeError(
    `Cannot build the decoder as the encoder ${encoder.name} has no feature map of stride ${stride}`,
  );
}

interface BlockOptions extends DecoderOptions {
  input: number;
  filters: number;
  dropRate: number;
}

/** Dropout, a convolution to the level's filters, a residual block, LeakyReLU. */
class Block {
  readonly #conv: Conv2D;
  readonly #residual: Residual;
  readonly #dropRate: number;
  /** Its weights, if what is inside is computed again. */
  readonly #recomputed: tf.Variable[] | undefined;

  constructor(weights: Weights, name: string, options: BlockOptions) {
    const { input, filters, dropRate } = options;
    this.#conv = new Conv2D(weights, `${name}_conv`, { input, filters, kernel: 3 });
    this.#residual = new Residual(weights, name, filters, options);
    this.#dropRate = dropRate;
    if (options.gradientCheckpointing) this.#recomputed = weights.trainableUnder(`${name}_`);
  }

  apply(x: tf.Tensor4D, forward: Forward): tf.Tensor4D {
    const part = (x: tf.Tensor4D, forward: Forward) => this.#compute(x, forward);
    return this.#recomputed ? checkpointed(part, x, this.#recomputed, forward) : part(x, forward);
  }

  #compute(x: tf.Tensor4D, forward: Forward): tf.Tensor4D {
    const y = this.#conv.apply(dropout(x, this.#dropRate, forward));
    return leakyRelu(this.#residual.apply(y, forward), SLOPE);
  }
}

/** The report's residual block: its shortcut is normalised too. */
class Residual {
  readonly #inputNorm: Normalization;
  readonly #shortcutNorm: Normalization;
  readonly #convs: [Conv2D, Conv2D];
  readonly #norms: [Normalization, Normalization];

  constructor(weights: Weights, name: string, filters: number, options: DecoderOptions) {
    const norm = (part: string) =>
      createNormalization(weights, `${name}_residual_${part}`, filters, options);
    const conv = (part: string) =>
      new Conv2D(weights, `${name}_residual_${part}`, { input: filters, filters, kernel: 3 });
    this.#inputNorm = norm("input_bn");
    this.#shortcutNorm = norm("shortcut_bn");
    const conv1 = conv("conv1"), norm1 = norm("bn1");
    const conv2 = conv("conv2"), norm2 = norm("bn2");
    this.#convs = [conv1, conv2];
    this.#norms = [norm1, norm2];
  }

  apply(x: tf.Tensor4D, forward: Forward): tf.Tensor4D {
    const [conv1, conv2] = this.#convs;
    const [norm1, norm2] = this.#norms;
    const shortcut = this.#shortcutNorm.apply(x, forward);
    let y = this.#inputNorm.apply(leakyRelu(x, SLOPE), forward);
    y = leakyRelu(norm1.apply(conv1.apply(y), forward), SLOPE);
    y = norm2.apply(conv2.apply(y), forward);
    return tf.add(y, shortcut);
  }
}
