import { hasOneDnn, rawOp, tf } from "@/tensorflow/mod.ts";
import { byHalves, paysByHalves } from "./halves.ts";
import { FLOAT, NHWC, register, run } from "./register.ts";

/** Filters of float32 that oneDNN's AVX-512 kernels compute at once; with AVX2 half of them. */
const LANES = 16;

/** Whether a 3x3 convolution of stride 1 makes so few channels that two columns of them fill the lanes. */
export function isNarrow(x: tf.Tensor4D, kernel: tf.Tensor4D): boolean {
  const [height, width, , filters] = kernel.shape;
  return height === 3 && width === 3 && filters > 1 && filters <= LANES / 2 && x.shape[2] % 2 === 0;
}

/**
 * The kernel that makes two columns at a time, side by side as channels: `[3, 4, channels, 2 filters]`. It
 * moves by two columns, and holds zeros where a column does not look. A third more products, but no idle
 * lanes.
 *
 * @param kernel `[3, 3, channels, filters]`
 */
export function pairedKernel(kernel: tf.Tensor4D): tf.Tensor4D {
  const shifted = [0, 1].map((column) =>
    tf.pad(kernel, [[0, 0], [column, 1 - column], [0, 0], [0, 0]])
  );
  return tf.concat(shifted, 3);
}

/** Two columns side by side as channels: `[batch, height, width / 2, 2 channels]`. Copies nothing. */
export function pairColumns(x: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  return tf.reshape(x, [batch, height, width / 2, 2 * channels]);
}

const NARROW_CONV_2D = "project/NarrowConv2D";
/** How a paired kernel moves, with "same" padding: a column on the left and one on the right. */
const PAIRED = {
  ...FLOAT,
  ...NHWC,
  strides: { int: [1, 1, 2, 1] },
  dilations: { int: [1, 1, 1, 1] },
  padding: { string: "SAME" },
  explicit_paddings: { int: [] },
  use_cudnn_on_gpu: { bool: true },
};
register(
  NARROW_CONV_2D,
  ({ x, kernel }) => tf.tidy(() => convolved(x as tf.Tensor4D, kernel as tf.Tensor4D)),
  {
    inputsToSave: ["x", "kernel"],
    gradFunc: (dy, [x, kernel]) => ({
      x: () => convolved(dy as tf.Tensor4D, transposed(kernel as tf.Tensor4D)),
      kernel: () => kernelGradient(x as tf.Tensor4D, kernel!.shape, dy as tf.Tensor4D),
    }),
  },
);

function convolved(x: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width] = x.shape, filters = kernel.shape[3];
  const pairs = rawOp("Conv2D", [x, pairedKernel(kernel)], PAIRED)[0]!;
  return tf.reshape(pairs, [batch, height, width, filters]);
}

/** The kernel whose convolution is the gradient by the input. // [3, 3, filters, channels] */
function transposed(kernel: tf.Tensor4D): tf.Tensor4D {
  return tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2]);
}

function kernelGradient(x: tf.Tensor4D, shape: number[], dy: tf.Tensor4D): tf.Tensor {
  const [height, width, channels, filters] = shape as [number, number, number, number];
  const gradient = (x: tf.Tensor4D, dy: tf.Tensor4D) => {
    const sizes = tf.tensor1d([height, width + 1, channels, 2 * filters], "int32");
    const paired = rawOp("Conv2DBackpropFilter", [x, sizes, pairColumns(dy)], PAIRED)[0]!;
    // Each column's own, at the place that its kernel has in the paired one.
    const [first, second] = [0, 1].map((column) =>
      tf.slice(paired, [0, column, 0, column * filters], shape)
    );
    return tf.add(first!, second!);
  };
  return paysByHalves(x, shape) ? byHalves(gradient, x, dy) : gradient(x, dy);
}

/** Whether {@linkcode narrowConv2d} pays, for the convolution and for both gradients. */
export function canPairColumns(x: tf.Tensor4D, kernel: tf.Tensor4D): boolean {
  const channels = kernel.shape[2];
  return isNarrow(x, kernel) && channels > 1 && channels <= LANES / 2 && hasOneDnn();
}

/**
 * A 3x3 convolution of stride 1 with "same" padding between few channels, two columns at a time.
 *
 * @param x `[batch, height, width, channels]`, its width even.
 * @param kernel `[3, 3, channels, filters]`
 * @returns `[batch, height, width, filters]`
 */
export function narrowConv2d(x: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor4D {
  return run(NARROW_CONV_2D, { x, kernel });
}
