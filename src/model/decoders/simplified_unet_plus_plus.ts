import type { tf } from "@/tensorflow/mod.ts";
import { Diagram } from "../diagram.ts";
import type { Encoder } from "../encoders/mod.ts";
import type { Forward } from "../forward.ts";
import { Conv2D, leakyRelu, UpConv2D, UpPaths } from "../layers/mod.ts";
import type { ModelGraph } from "../model_graph.ts";
import type { Weights } from "../weights.ts";
import { type Decoder, type DecoderOptions, dropoutAt, outputBias } from "./decoder.ts";
import { channelsAt, mapAt } from "./features.ts";
import { Middle } from "./middle.ts";
import { Block, SLOPE } from "./residual_block.ts";

/**
 * The report's simplified U-Net++ (after Zhou et al. 2018): where U-Net++ has a block at each of its
 * inner nodes `x_{depth}_{layer}`, here a chain of up-convolutions carries a decoder's output to the
 * finer levels ("hyper-paths").
 */
export class SimplifiedUnetPlusPlus implements Decoder {
  readonly #encoder: Encoder;
  readonly #middle: Middle;
  readonly #ups: Record<string, UpConv2D>;
  readonly #blocks: { u4: Block; u3: Block; u2: Block; u1: Block; u0: Block };
  readonly #output: Conv2D;
  readonly #dropout: number;
  readonly graph: ModelGraph;

  /** @throws {RangeError} If the encoder has no maps of the strides 2, 4, 8 and 16. */
  constructor(weights: Weights, encoder: Encoder, options: DecoderOptions) {
    const { startFilters: n } = options;
    const [tap2, tap4, tap8, tap16] = [2, 4, 8, 16].map((stride) => channelsAt(encoder, stride));
    this.#encoder = encoder;
    this.#dropout = options.dropout;
    this.#middle = new Middle(weights, encoder, options);
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
    const block = (name: string, stride: number, input: number) =>
      new Block(weights, name, {
        ...options,
        input,
        filters: n * stride,
        dropRate: dropoutAt(stride, options),
      });
    this.#blocks = {
      u4: block("u4", 16, 16 * n + tap16!),
      u3: block("u3", 8, 8 * n + 16 * n + tap8!),
      u2: block("u2", 4, 4 * n + 8 * n + 16 * n + tap4!),
      u1: block("u1", 2, 2 * n + 4 * n + 8 * n + 16 * n + tap2!),
      u0: block("u0", 1, n),
    };
    this.#output = new Conv2D(weights, "output", {
      input: n,
      filters: 1,
      kernel: 1,
      bias: outputBias(options),
    });
    this.graph = simplifiedGraph(encoder, this.#middle, n);
  }

  outputs(features: readonly tf.Tensor4D[], forward: Forward): [tf.Tensor4D] {
    const { u4, u3, u2, u1, u0 } = this.#blocks;
    const up = (name: string, x: tf.Tensor4D) => this.#ups[name]!.apply(x);
    const [tap2, tap4, tap8, tap16] = [2, 4, 8, 16].map((stride) =>
      mapAt(this.#encoder, features, stride)
    );
    const middle = this.#middle.apply(features, forward);

    const d4 = up("d4", middle);
    const d4a = up("d4a", d4);
    const x4 = u4.apply([d4, leakyRelu(tap16!, SLOPE)], forward);

    const d3 = up("d3", x4);
    const x3 = u3.apply([d3, d4a, tap8!], forward);

    // The last two levels look at maps of the level before through their up-convolutions.
    const ups = (...names: string[]) => names.map((name) => this.#ups[name]!);
    const once = UpPaths.from(x3, d3, d4a).up(...ups("d2", "d3a", "d4b"));
    const x2 = u2.applyUps([once], tap4!, forward);
    const twice = once.up(...ups("d2a", "d3b", "d4c"));
    const x1 = u1.applyUps([UpPaths.from(x2).up(...ups("d1")), twice], tap2!, forward);

    const x0 = u0.apply(up("d0", x1), forward);
    return [this.#output.applyDropped(x0, this.#dropout / 2, forward)];
  }
}

/** The diagram: the encoder's maps on the left, each level's decoder block right of its inputs. */
function simplifiedGraph(encoder: Encoder, middle: Middle, n: number): ModelGraph {
  const diagram = new Diagram("Simplified U-Net++");
  diagram.addEncoder(encoder);
  middle.draw(diagram);

  // A level's chain of up-convolutions: the decoder's own output first, then the hyper-paths.
  const paths = { d4: 16 * n, d3: 8 * n, d2: 4 * n, d1: 2 * n };
  const addPath = (path: keyof typeof paths, stride: number, column: number, from: string) => {
    diagram.add(path, stride, paths[path], column);
    diagram.link("up", path, from);
    let last: string = path;
    for (const [i, letter] of ["a", "b", "c"].entries()) {
      const finer = stride / 2 ** (i + 1);
      if (finer < 2) break;
      diagram.add(path + letter, finer, paths[path], column);
      diagram.link("up", path + letter, last);
      last = path + letter;
    }
  };
  addPath("d4", 16, 1, "middle");
  diagram.add("u4", 16, 16 * n, 2);
  diagram.link("skip", "u4", "d4", "tap16");
  addPath("d3", 8, 3, "u4");
  diagram.add("u3", 8, 8 * n, 4);
  diagram.link("skip", "u3", "d3", "d4a", "tap8");
  addPath("d2", 4, 5, "u3");
  diagram.add("u2", 4, 4 * n, 6);
  diagram.link("skip", "u2", "d2", "d3a", "d4b", "tap4");
  addPath("d1", 2, 7, "u2");
  diagram.add("u1", 2, 2 * n, 8);
  diagram.link("skip", "u1", "d1", "d2a", "d3b", "d4c", "tap2");
  diagram.add("u0", 1, n, 9);
  diagram.link("up", "u0", "u1");
  diagram.add("output", 1, 1, 10);
  diagram.link("skip", "output", "u0");
  return diagram;
}
