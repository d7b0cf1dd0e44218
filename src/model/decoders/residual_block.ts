import { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import {
  activate,
  type Activation,
  checkpointed,
  composedUpConvolution,
  Conv2D,
  createNormalization,
  fusedConvolution,
  join,
  type Maps,
  type Normalization,
  type NormalizationOptions,
  normalized,
  type UpPaths,
} from "../layers/mod.ts";
import type { Weights } from "../weights.ts";

/** Slope of every LeakyReLU of the report's decoder. */
export const SLOPE = 0.1;
/** Every activation of the report's decoder. */
export const LEAKY_RELU: Activation = { kind: "leaky-relu", alpha: SLOPE };

/** What a {@linkcode Block} is made of. */
export interface BlockOptions extends NormalizationOptions {
  input: number;
  filters: number;
  /** Dropout rate before the convolution, in `[0, 1)`. */
  dropRate: number;
  /** Whether the backward pass computes the block again instead of keeping what is inside. */
  gradientCheckpointing?: boolean;
}

/** Dropout, a convolution to the level's filters, a residual block, LeakyReLU. */
export class Block {
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

  apply(x: Maps, forward: Forward): tf.Tensor4D {
    if (!this.#recomputed) return this.#compute(x, forward);
    const part = (x: tf.Tensor4D, forward: Forward) => this.#compute(x, forward);
    return checkpointed(part, join(x), this.#recomputed, forward);
  }

  /**
   * As {@linkcode apply} of the paths' ends and `skip`.
   *
   * @param paths Their ends have the size of the block.
   * @param skip A map of the block's size.
   */
  applyUps(paths: readonly UpPaths[], skip: tf.Tensor4D, forward: Forward): tf.Tensor4D {
    if (forward.training) {
      return this.apply([...paths.flatMap((path) => path.ends()), skip], forward);
    }
    // The convolution of joined maps is the sum of one for each part.
    const [, , input] = this.#conv.kernel.shape as [number, number, number];
    const channels = skip.shape[3];
    const [kernel, skipKernel] = tf.split(this.#conv.kernel, [input - channels, channels], 2);
    const geometry = { kind: "conv", stride: 1, padding: "same" } as const;
    const y = fusedConvolution(skip, skipKernel as tf.Tensor4D, geometry, {
      bias: this.#conv.bias,
      add: composedUpConvolution(paths, kernel as tf.Tensor4D),
    });
    return this.#residual.apply(y, forward, LEAKY_RELU);
  }

  #compute(x: Maps, forward: Forward): tf.Tensor4D {
    const y = forward.training
      ? this.#conv.applyDropped(x, this.#dropRate, forward)
      : this.#conv.applyFused(join(x), {});
    return this.#residual.apply(y, forward, LEAKY_RELU);
  }
}

/** The report's residual block: its shortcut is normalised too. */
export class Residual {
  readonly #inputNorm: Normalization;
  readonly #shortcutNorm: Normalization;
  readonly #convs: [Conv2D, Conv2D];
  readonly #norms: [Normalization, Normalization];

  constructor(
    weights: Weights,
    name: string,
    filters: number,
    normalization: NormalizationOptions,
  ) {
    const norm = (part: string) =>
      createNormalization(weights, `${name}_residual_${part}`, filters, normalization);
    const conv = (part: string) =>
      new Conv2D(weights, `${name}_residual_${part}`, { input: filters, filters, kernel: 3 });
    this.#inputNorm = norm("input_bn");
    this.#shortcutNorm = norm("shortcut_bn");
    const conv1 = conv("conv1"), norm1 = norm("bn1");
    const conv2 = conv("conv2"), norm2 = norm("bn2");
    this.#convs = [conv1, conv2];
    this.#norms = [norm1, norm2];
  }

  /** @param activation Behind the sum. Default: none. */
  apply(x: tf.Tensor4D, forward: Forward, activation?: Activation): tf.Tensor4D {
    const [conv1, conv2] = this.#convs;
    const [norm1, norm2] = this.#norms;
    const shortcut = this.#shortcutNorm.apply(x, forward);
    // Not folded into the next convolution: the zeros that it pads with stand behind BatchNorm.
    let y = this.#inputNorm.apply(activate(x, LEAKY_RELU), forward);
    y = normalized(conv1, norm1, y, forward, { activation: LEAKY_RELU });
    return normalized(conv2, norm2, y, forward, { add: shortcut, activation });
  }
}
