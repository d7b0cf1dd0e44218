import { tf } from "@/tensorflow/mod.ts";
import type { Weights } from "../weights.ts";
import { activate } from "./activation.ts";
import type { Convolution, Follow } from "./convolution.ts";
import { biasAdd } from "./kernels/mod.ts";

/**
 * A 2-D convolution whose kernel looks at every `dilation`-th pixel, with stride 1 and "same" padding.
 *
 * TensorFlow.js has no gradient for it, and TensorFlow's own backward operations take dilations on a
 * CPU only through oneDNN. So the map is dealt out into `dilation^2` small maps of pixels that lie
 * that far apart, which ordinary convolutions and their gradients work on (Yu & Koltun 2016).
 *
 * @param x `[batch, height, width, input]`
 * @param kernel `[size, size, input, filters]`, with an odd size.
 * @returns `[batch, height, width, filters]`
 * @throws {RangeError} If the size of the kernel is even, or the dilation no positive integer.
 */
export function dilatedConv2d(x: tf.Tensor4D, kernel: tf.Tensor4D, dilation: number): tf.Tensor4D {
  if (!(Number.isInteger(dilation) && dilation > 0)) {
    throw new RangeError(`Cannot convolve as the dilation must be a positive integer: ${dilation}`);
  }
  if (kernel.shape[0] % 2 === 0 || kernel.shape[1] % 2 === 0) {
    throw new RangeError(
      `Cannot convolve with dilation as the size of the kernel must be odd: ${
        kernel.shape.slice(0, 2).join(" x ")
      }`,
    );
  }
  if (dilation === 1) return tf.conv2d(x, kernel, 1, "same");
  const [, height, width] = x.shape;
  const missing = (length: number) => (dilation - length % dilation) % dilation;
  const padding: [number, number][] = [[0, missing(height)], [0, missing(width)]];
  const small = tf.spaceToBatchND(x, [dilation, dilation], padding);
  const convolved = tf.conv2d(small, kernel, 1, "same");
  return tf.batchToSpaceND(convolved, [dilation, dilation], padding);
}

/** A dilated 2-D convolution, see {@linkcode dilatedConv2d}, without bias. */
export class DilatedConv2D implements Convolution {
  readonly #kernel: tf.Variable;
  readonly #dilation: number;

  /**
   * @param options.kernel Height and width of the kernel, odd.
   * @param options.dilation Distance of the pixels that the kernel looks at.
   */
  constructor(
    weights: Weights,
    name: string,
    options: { input: number; filters: number; kernel: number; dilation: number },
  ) {
    const { input, filters, kernel, dilation } = options;
    const shape = [kernel, kernel, input, filters];
    this.#kernel = weights.create(`${name}/kernel`, shape, "glorot-uniform");
    this.#dilation = dilation;
  }

  /** `[batch, height, width, input]` to `[batch, height, width, filters]`. */
  apply(x: tf.Tensor4D): tf.Tensor4D {
    return dilatedConv2d(x, this.#kernel as tf.Tensor4D, this.#dilation);
  }

  /** As {@linkcode apply}, for inference, with what follows. */
  applyFused(x: tf.Tensor4D, { affine, add, activation }: Follow): tf.Tensor4D {
    const kernel = (affine ? tf.mul(this.#kernel, affine.scale) : this.#kernel) as tf.Tensor4D;
    let y = dilatedConv2d(x, kernel, this.#dilation);
    if (affine) y = biasAdd(y, affine.shift);
    return activate(add ? tf.add(y, add) : y, activation);
  }
}
