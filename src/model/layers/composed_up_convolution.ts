import { rawOp, tf } from "@/tensorflow/mod.ts";
import type { UpConv2D } from "./convolution.ts";

/** A map and the transposed convolution that doubles it. */
export interface UpPath {
  /** `[batch, height, width, input]` */
  x: tf.Tensor4D;
  up: UpConv2D;
}

/** Rows (or columns) of a map that decide the outermost one of the result. */
const BORDER = 2;

/**
 * `conv2d(concat(ups), kernel)` for inference, without making the large maps in between: a transposed
 * 3x3 convolution with stride 2 and a 3x3 convolution behind it are together one transposed 5x5
 * convolution with stride 2. Where many channels are doubled in size to make few of them, that saves
 * most of the work.
 *
 * That holds inside. At the outermost pixels the second convolution looks at the zeros around its input:
 * they are computed in two steps.
 *
 * @param paths Maps of one size, with 3x3 transposed convolutions.
 * @param kernel `[3, 3, channels, filters]` of a convolution with "same" padding; the channels are those
 * of all paths, in order.
 * @returns Its sum with the bias is the result: `y` `[batch, 2 height, 2 width, filters]`, `bias`
 * `[filters]`, which a convolution beside it can take in.
 */
export function composedUpConvolution(
  paths: UpPath[],
  kernel: tf.Tensor4D,
): { y: tf.Tensor4D; bias: tf.Tensor1D } {
  return tf.tidy(() => {
    const x = tf.concat(paths.map(({ x }) => x), -1);
    const composed = composedKernel(paths, kernel);
    const [batch, height, width] = x.shape;
    const filters = kernel.shape[3];
    const shape: [number, number, number, number] = [batch, 2 * height, 2 * width, filters];
    const inside = tf.conv2dTranspose(x, composed, shape, 2, "same");
    const bias = biasBehind(tf.concat(paths.map(({ up }) => up.bias)), kernel);
    return { y: withBorder(inside as tf.Tensor4D, paths, kernel, bias), bias };
  });
}

/** The kernel of the whole, `[5, 5, filters, input]`, as transposed convolutions have it. */
function composedKernel(paths: UpPath[], kernel: tf.Tensor4D): tf.Tensor4D {
  const channels = paths.map(({ up }) => up.kernel.shape[2]!);
  const parts = tf.split(kernel, channels, 2) as tf.Tensor4D[];
  const composed = paths.map(({ up }, i) => {
    // Each input channel's kernel is an image that the second convolution runs over.
    const images = tf.transpose(up.kernel, [3, 0, 1, 2]) as tf.Tensor4D;
    const padded: tf.Tensor4D = tf.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]]);
    return tf.transpose(tf.conv2d(padded, parts[i]!, 1, "valid"), [1, 2, 3, 0]);
  });
  return tf.concat(composed, 3) as tf.Tensor4D;
}

/** What a constant `bias` before a convolution is behind it, away from the border. // [filters] */
function biasBehind(bias: tf.Tensor, kernel: tf.Tensor4D): tf.Tensor1D {
  return tf.sum(tf.mul(kernel, tf.reshape(bias, [1, 1, -1, 1])), [0, 1, 2]);
}

/** Replaces the outermost rows and columns by those computed in two steps. */
function withBorder(
  y: tf.Tensor4D,
  paths: UpPath[],
  kernel: tf.Tensor4D,
  bias: tf.Tensor1D,
): tf.Tensor4D {
  const [, height, width] = y.shape;
  const twoSteps = (begin: [number, number], size: [number, number]) => {
    const ups = paths.map(({ x, up }) =>
      up.apply(tf.slice(x, [0, ...begin, 0], [-1, ...size, -1]) as tf.Tensor4D)
    );
    const z = tf.conv2d(tf.concat(ups, -1) as tf.Tensor4D, kernel, 1, "same");
    // It is added to the border too, but belongs inside.
    return tf.sub(z, bias) as tf.Tensor4D;
  };
  const row = (y: tf.Tensor4D, at: number) => tf.slice(y, [0, at, 0, 0], [-1, 1, -1, -1]);
  const column = (y: tf.Tensor4D, at: number) => tf.slice(y, [0, 0, at, 0], [-1, -1, 1, -1]);
  const [h, w] = [height / 2, width / 2];
  const last = 2 * BORDER - 1;
  const top = row(twoSteps([0, 0], [BORDER, w]), 0);
  const bottom = row(twoSteps([h - BORDER, 0], [BORDER, w]), last);
  const left = column(twoSteps([0, 0], [h, BORDER]), 0);
  const right = column(twoSteps([0, w - BORDER], [h, BORDER]), last);
  let z = update(y, top, [0, 0]);
  z = update(z, bottom, [height - 1, 0]);
  z = update(z, left, [0, 0]);
  return update(z, right, [0, width - 1]);
}

/** `y` with a part of it replaced, from a row and a column on. */
function update(y: tf.Tensor4D, part: tf.Tensor, [row, column]: [number, number]): tf.Tensor4D {
  const [batch, , , filters] = y.shape;
  const [, height, width] = part.shape as [number, number, number];
  const begin = tf.tensor1d([0, row, column, 0], "int32");
  const end = tf.tensor1d([batch, row + height, column + width, filters], "int32");
  const strides = tf.tensor1d([1, 1, 1, 1], "int32");
  return rawOp("TensorStridedSliceUpdate", [y, begin, end, strides, part], {
    T: { type: "float32" },
    Index: { type: "int32" },
    begin_mask: { int: 0 },
    end_mask: { int: 0 },
    ellipsis_mask: { int: 0 },
    new_axis_mask: { int: 0 },
    shrink_axis_mask: { int: 0 },
  })[0] as tf.Tensor4D;
}
