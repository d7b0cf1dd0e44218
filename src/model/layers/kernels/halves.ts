import { hasOneDnn, tf } from "@/tensorflow/mod.ts";

/** Channels that oneDNN's AVX-512 kernels compute at once: a block of them. */
const BLOCK = 16;

/**
 * Whether a kernel's gradient pays by halves. oneDNN shares images and blocks of channels out to its
 * threads: with one image and one block all but one thread would be idle.
 *
 * @param x `[batch, height, width, channels]`
 * @param kernel The shape of a kernel of stride 1, "same" padding and one group.
 */
export function paysByHalves(x: tf.Tensor4D, kernel: number[]): boolean {
  const [batch, height] = x.shape, [rows, , channels, filters] = kernel;
  return batch === 1 && rows === 3 && height % 2 === 0 && height > 2 && channels! <= BLOCK &&
    filters! <= BLOCK && hasOneDnn();
}

/**
 * The gradient of a kernel with three rows, the upper and the lower half of the map as two images.
 *
 * @param gradient Computes it from a map and the slope of its convolution, of any height and batch.
 * @param x `[1, height, width, channels]`
 * @param dy The slope of the convolution. // [1, height, width, filters]
 */
export function byHalves(
  gradient: (x: tf.Tensor4D, dy: tf.Tensor4D) => tf.Tensor,
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
): tf.Tensor {
  const inner = gradient(halves(x), halves(dy));
  // What the kernel's first and last row see across the border between the halves.
  const outer = gradient(border(x), border(dy));
  return tf.add(inner, tf.mul(outer, tf.tensor4d([1, 0, 1], [3, 1, 1, 1])));
}

function halves(x: tf.Tensor4D): tf.Tensor4D {
  const [, height, width, channels] = x.shape;
  return tf.reshape(x, [2, height / 2, width, channels]);
}

/** The rows above and below the border. // [1, 2, width, channels] */
function border(x: tf.Tensor4D): tf.Tensor4D {
  const [, height, width, channels] = x.shape;
  return tf.slice(x, [0, height / 2 - 1, 0, 0], [1, 2, width, channels]);
}
