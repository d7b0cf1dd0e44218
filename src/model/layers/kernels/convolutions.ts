import {
  afterwards,
  type AttributeValue,
  hasOneDnn,
  isConstant,
  rawOp,
  tf,
} from "@/tensorflow/mod.ts";
import { byHalves, paysByHalves } from "./halves.ts";
import { canPairColumns, narrowConv2d } from "./narrow_convolution.ts";
import { type Attributes, FLOAT, NHWC, register, run } from "./register.ts";

const BIAS_ADD = "project/BiasAdd";
register(
  BIAS_ADD,
  ({ x, bias }) => rawOp("BiasAdd", [x!, bias!], { ...FLOAT, ...NHWC })[0]!,
  {
    gradFunc: (dy) => ({
      x: () => dy as tf.Tensor,
      // TensorFlow's own operation for it takes ten times as long.
      bias: () => tf.sum(dy as tf.Tensor, [0, 1, 2]),
    }),
  },
);

/** `x + bias` over the last axis: `[batch, height, width, channels]` and `[channels]`. */
export function biasAdd(x: tf.Tensor4D, bias: tf.Tensor): tf.Tensor4D {
  return run(BIAS_ADD, { x, bias });
}

const POINTWISE_CONV_2D = "project/PointwiseConv2D";
register(
  POINTWISE_CONV_2D,
  ({ x, kernel }) =>
    tf.tidy(() => {
      const y = matMul(rows(x as tf.Tensor), matrix(kernel as tf.Tensor));
      return tf.reshape(y, [...x!.shape.slice(0, 3), kernel!.shape[3]!]);
    }),
  {
    inputsToSave: ["x", "kernel"],
    gradFunc: (dy, [x, kernel]) => {
      const slope = () => rows(dy as tf.Tensor);
      return {
        x: () => tf.reshape(matMul(slope(), matrix(kernel!), { transposeB: true }), x!.shape),
        kernel: () => tf.reshape(matMul(rows(x!), slope(), { transposeA: true }), kernel!.shape),
      };
    },
  },
);

/** The pixels of `[batch, height, width, channels]`, one a row. */
function rows(x: tf.Tensor): tf.Tensor {
  return tf.reshape(x, [-1, x.shape.at(-1)!]);
}

/** A 1x1 kernel `[1, 1, channels, filters]` as `[channels, filters]`. */
function matrix(kernel: tf.Tensor): tf.Tensor {
  return tf.reshape(kernel, kernel.shape.slice(2));
}

function matMul(
  a: tf.Tensor,
  b: tf.Tensor,
  { transposeA = false, transposeB = false } = {},
): tf.Tensor {
  return rawOp("MatMul", [a, b], {
    ...FLOAT,
    transpose_a: { bool: transposeA },
    transpose_b: { bool: transposeB },
  })[0]!;
}

/**
 * A 2-D convolution with "same" padding. With oneDNN a 1x1 convolution is a matrix product, which takes
 * 0.6 to 0.9 of the time of its convolution kernels, most of all in the gradients; a 3x3 convolution
 * between few channels makes two columns at a time.
 *
 * @param x `[batch, height, width, channels]`
 * @param kernel `[size, size, channels, filters]`
 * @returns `[batch, ceil(height / stride), ceil(width / stride), filters]`
 */
export function conv2d(x: tf.Tensor4D, kernel: tf.Tensor4D, stride: number): tf.Tensor4D {
  // TensorFlow would take fewer channels for groups.
  if (x.shape[3] !== kernel.shape[2]) {
    throw new RangeError(
      `Cannot convolve as the kernel is for ${kernel.shape[2]} channels: there are ${x.shape[3]}`,
    );
  }
  if (isMatrixProduct(kernel, stride)) return run(POINTWISE_CONV_2D, { x, kernel });
  if (stride === 1 && canPairColumns(x, kernel)) return narrowConv2d(x, kernel);
  return run(CONV_2D, { x, kernel }, { stride, groups: 1, pad: "same" });
}

function isMatrixProduct(kernel: tf.Tensor4D, stride: number): boolean {
  const [height, width] = kernel.shape;
  // A constant kernel is brought into oneDNN's order once: that is as fast.
  return height === 1 && width === 1 && stride === 1 && hasOneDnn() && !isConstant(kernel);
}

const SCALED_POINTWISE_CONV_2D = "project/ScaledPointwiseConv2D";
register(
  SCALED_POINTWISE_CONV_2D,
  ({ x, scale, kernel }) =>
    tf.tidy(() => {
      const y = batchMatMul(images(x!), scaledKernels(scale!, kernel!));
      return tf.reshape(y, [...x!.shape.slice(0, 3), kernel!.shape[3]!]);
    }),
  {
    inputsToSave: ["x", "scale", "kernel"],
    gradFunc: (dy, [x, scale, kernel]) => {
      const slope = images(dy as tf.Tensor);
      const [batch, , , channels] = x!.shape as number[];
      // Of each image's own kernel; not inside the functions below, which free what they leave behind.
      const gradients = batchMatMul(images(x!), slope, { adjointX: true });
      return {
        x: () => {
          const kernels = scaledKernels(scale!, kernel!);
          return tf.reshape(batchMatMul(slope, kernels, { adjointY: true }), x!.shape);
        },
        scale: () => tf.reshape(tf.sum(tf.mul(gradients, matrix(kernel!)), 2), scale!.shape),
        kernel: () => {
          const scaled = tf.mul(gradients, tf.reshape(scale!, [batch!, channels!, 1]));
          return tf.reshape(tf.sum(scaled, 0), kernel!.shape);
        },
      };
    },
  },
);

/** The pixels of each image of `[batch, height, width, channels]`, one a row. */
function images(x: tf.TensorInfo): tf.Tensor {
  const [batch, , , channels] = x.shape as [number, number, number, number];
  return tf.reshape(x as tf.Tensor, [batch, -1, channels]);
}

/** A 1x1 kernel for each image, with the image's scale in it. // [batch, channels, filters] */
function scaledKernels(scale: tf.TensorInfo, kernel: tf.TensorInfo): tf.Tensor {
  const [batch, , , channels] = scale.shape as [number, number, number, number];
  return tf.mul(tf.reshape(scale as tf.Tensor, [batch, channels, 1]), matrix(kernel as tf.Tensor));
}

function batchMatMul(
  a: tf.Tensor,
  b: tf.Tensor,
  { adjointX = false, adjointY = false } = {},
): tf.Tensor {
  return rawOp("BatchMatMulV2", [a, b], {
    ...FLOAT,
    adj_x: { bool: adjointX },
    adj_y: { bool: adjointY },
  })[0]!;
}

/**
 * `conv2d(scale x, kernel, stride)`. Where that is a matrix product, the scale goes into a kernel for each
 * image, if that is smaller than the map: forward and backward, no pass over the map is left.
 *
 * @param x `[batch, height, width, channels]`
 * @param scale `[batch, 1, 1, channels]`
 */
export function scaledConv2d(
  x: tf.Tensor4D,
  scale: tf.Tensor4D,
  kernel: tf.Tensor4D,
  stride: number,
): tf.Tensor4D {
  const isSmaller = kernel.shape[3] <= x.shape[1] * x.shape[2];
  if (!isSmaller || !isMatrixProduct(kernel, stride)) {
    return conv2d(tf.mul(x, scale), kernel, stride);
  }
  return run(SCALED_POINTWISE_CONV_2D, { x, scale, kernel });
}

const DOUBLING_CONV_2D = "project/DoublingConv2D";
/** A stride of 2, with "same" padding. */
const DOUBLING: Record<string, AttributeValue> = {
  ...FLOAT,
  ...NHWC,
  strides: { int: [1, 2, 2, 1] },
  dilations: { int: [1, 1, 1, 1] },
  padding: { string: "SAME" },
  explicit_paddings: { int: [] },
  use_cudnn_on_gpu: { bool: true },
};
register(
  DOUBLING_CONV_2D,
  ({ x, kernel }) =>
    tf.tidy(() => {
      const [batch, height, width] = x!.shape as [number, number, number];
      const shape = tf.tensor1d([batch, 2 * height, 2 * width, kernel!.shape[2]!], "int32");
      return rawOp("Conv2DBackpropInput", [shape, kernel!, x!], DOUBLING)[0]!;
    }),
  {
    inputsToSave: ["x", "kernel"],
    gradFunc: (dy, [x, kernel]) => ({
      x: () => rawOp("Conv2D", [dy as tf.Tensor, kernel!], DOUBLING)[0]!,
      kernel: () => doublingKernelGradient(x as tf.Tensor4D, kernel!.shape, dy as tf.Tensor4D),
    }),
  },
);

/** The smallest number of weights at each position of a kernel for which matrix products pay. */
const SMALLEST_PRODUCT = 32 * 32;

/**
 * The gradient of a doubling kernel `[size, size, filters, channels]`. oneDNN's kernel for it is slow: at
 * 3x3 its nine matrix products take a quarter to nine tenths of the time.
 */
function doublingKernelGradient(x: tf.Tensor4D, shape: number[], dy: tf.Tensor4D): tf.Tensor {
  const [size, , filters, channels] = shape as [number, number, number, number];
  if (size !== 3 || filters * channels < SMALLEST_PRODUCT || !hasOneDnn()) {
    const sizes = tf.tensor1d(shape, "int32");
    return rawOp("Conv2DBackpropFilter", [dy, sizes, x], DOUBLING)[0]!;
  }
  // The output's pixels apart by the parity of their row and column: those that a position of the kernel
  // wrote are neighbours in one of four maps, or in it shifted by a row, a column, or both. With a row and
  // a column of zeros at the end, a shift is another place to begin in the list of pixels.
  const [batch, height, width] = x.shape;
  const mapHeight = height + 1, mapWidth = width + 1;
  const pixels = batch * mapHeight * mapWidth;
  const padded = (x: tf.Tensor, count: number) =>
    tf.pad(x, [[0, 0], [0, count], [0, count], [0, 0]]);
  const inputs = rows(padded(afterwards(x, dy), 1));
  const pairs = tf.reshape(padded(dy, 2), [batch, mapHeight, 2, mapWidth, 2 * filters]);
  const map = (row: number, column: number) => {
    const begin = [0, 0, row, 0, column * filters];
    return rows(tf.slice(pairs, begin, [batch, mapHeight, 1, mapWidth, filters]));
  };
  const maps = [[map(0, 0), map(0, 1)], [map(1, 0), map(1, 1)]];
  const products = [];
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const shift = (row >> 1) * mapWidth + (column >> 1);
      const outputs = tf.slice(maps[row & 1]![column & 1]!, [shift, 0], [pixels - shift, filters]);
      const before = tf.slice(inputs, [0, 0], [pixels - shift, channels]);
      products.push(matMul(outputs, before, { transposeA: true }));
    }
  }
  return tf.reshape(tf.stack(products), shape);
}

/**
 * A transposed 2-D convolution that doubles height and width: stride 2, "same" padding.
 *
 * @param x `[batch, height, width, channels]`
 * @param kernel `[size, size, filters, channels]`
 * @returns `[batch, 2 height, 2 width, filters]`
 */
export function doublingConv2d(x: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor4D {
  return run(DOUBLING_CONV_2D, { x, kernel });
}

const CONV_2D = "project/Conv2D";
register(
  CONV_2D,
  ({ x, kernel }, attributes) => rawOp("Conv2D", [x!, kernel!], convolution(attributes))[0]!,
  {
    inputsToSave: ["x", "kernel"],
    gradFunc: (dy, [x, kernel], attributes) => {
      // TensorFlow has no gradients of grouped convolutions on CPUs: each group has its own.
      const groups = attributes!.groups as number;
      const split = (t: tf.Tensor) => groups === 1 ? [t] : tf.split(t, groups, -1);
      const join = (parts: tf.Tensor[]) => groups === 1 ? parts[0]! : tf.concat(parts, -1);
      const shapeOf = (t: tf.Tensor) => tf.tensor1d(t.shape, "int32");
      const inHalves = groups === 1 && attributes!.stride === 1 && attributes!.pad === "same" &&
        paysByHalves(x as tf.Tensor4D, kernel!.shape);
      const gradientOfKernel = () => {
        const [dys, xs, kernels] = [split(dy as tf.Tensor), split(x!), split(kernel!)];
        return join(xs.map((x, g) => {
          const ofKernel = (x: tf.Tensor, dy: tf.Tensor) => {
            const inputs = [x, shapeOf(kernels[g]!), dy];
            return rawOp("Conv2DBackpropFilter", inputs, convolution(attributes))[0]!;
          };
          return inHalves
            ? byHalves(ofKernel, x as tf.Tensor4D, dys[g] as tf.Tensor4D)
            : ofKernel(x, dys[g]!);
        }));
      };
      // First the kernel's gradient, then the map is free before its own gradient needs as much memory.
      // Not inside the functions below: TensorFlow.js frees what each of them leaves behind.
      const before = tf.util.sizeFromShape(x!.shape) >= LARGE_MAP ? gradientOfKernel() : undefined;
      return {
        x: () => {
          const slope = before ? afterwards(dy as tf.Tensor, before) : dy as tf.Tensor;
          const [dys, kernels] = [split(slope), split(kernel!)];
          const [batch, height, width, channels] = x!.shape as number[];
          const shape = tf.tensor1d([batch!, height!, width!, channels! / groups], "int32");
          return join(
            kernels.map((kernel, g) =>
              rawOp("Conv2DBackpropInput", [shape, kernel, dys[g]!], convolution(attributes))[0]!
            ),
          );
        },
        kernel: () => before ?? gradientOfKernel(),
      };
    },
  },
);

/** Numbers in a map from which on it counts how long it is kept: 16 MiB. */
const LARGE_MAP = 2 ** 22;

function convolution(attributes: Attributes) {
  const stride = attributes!.stride as number, pad = attributes!.pad as number | "same";
  return {
    ...FLOAT,
    ...NHWC,
    strides: { int: [1, stride, stride, 1] },
    dilations: { int: [1, 1, 1, 1] },
    padding: { string: pad === "same" ? "SAME" : "EXPLICIT" },
    explicit_paddings: { int: pad === "same" ? [] : [0, 0, pad, pad, pad, pad, 0, 0] },
    use_cudnn_on_gpu: { bool: true },
  };
}

/**
 * A 2-D convolution with `(size - 1) / 2` zeros on each side, as PyTorch's networks pad, and maybe in
 * groups of channels.
 *
 * @param x `[batch, height, width, channels]`
 * @param kernel `[size, size, channels / groups, filters]`, its size odd.
 * @returns `[batch, ceil(height / stride), ceil(width / stride), filters]`
 * @throws {RangeError} If the kernel's size is even, or it does not fit the channels and groups.
 */
export function paddedConv2d(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  { stride, groups }: { stride: number; groups: number },
): tf.Tensor4D {
  const [size, width, input, filters] = kernel.shape;
  if (size % 2 === 0 || width !== size || input * groups !== x.shape[3] || filters % groups !== 0) {
    throw new RangeError(
      `Cannot convolve as a kernel [${kernel.shape.join(", ")}] in ${groups} groups does not fit ` +
        `[${x.shape.join(", ")}]`,
    );
  }
  return run(CONV_2D, { x, kernel }, { stride, groups, pad: (size - 1) / 2 });
}

const DEPTHWISE_CONV_2D = "project/DepthwiseConv2D";
register(
  DEPTHWISE_CONV_2D,
  ({ x, kernel }, attributes) =>
    rawOp("DepthwiseConv2dNative", [x!, kernel!], depthwise(attributes, "SAME"))[0]!,
  {
    inputsToSave: ["x", "kernel"],
    gradFunc: (dy, [x, kernel], attributes) => ({
      x: () =>
        rawOp("DepthwiseConv2dNativeBackpropInput", [
          tf.tensor1d(x!.shape, "int32"),
          kernel!,
          dy as tf.Tensor,
        ], depthwise(attributes, "SAME"))[0]!,
      kernel: () => {
        const stride = attributes!.stride as number;
        return depthwiseKernelGradient(x as tf.Tensor4D, kernel!.shape, dy as tf.Tensor4D, stride);
      },
    }),
  },
);

/**
 * oneDNN has a fast gradient for depthwise kernels up to this wide. Wider ones go to its general
 * convolution, which takes two to three times as long, on one thread.
 */
const WIDEST_FAST_KERNEL = 3;

/** The gradient of a depthwise kernel `[size, size, channels, 1]`, in pieces that are narrow enough. */
function depthwiseKernelGradient(
  x: tf.Tensor4D,
  [size, , channels]: number[],
  dy: tf.Tensor4D,
  stride: number,
): tf.Tensor {
  const piece = (x: tf.Tensor, width: number, padding: string) => {
    const shape = tf.tensor1d([size!, width, channels!, 1], "int32");
    return rawOp(
      "DepthwiseConv2dNativeBackpropFilter",
      [x, shape, dy],
      depthwise({ stride }, padding),
    )[0]!;
  };
  if (size! <= WIDEST_FAST_KERNEL) return piece(x, size!, "SAME");
  const [batch, height, width] = x.shape;
  const [, outHeight, outWidth] = dy.shape;
  const missing = (length: number, out: number): [number, number] => {
    const total = Math.max((out - 1) * stride + size! - length, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  };
  const rows = missing(height, outHeight), [left] = missing(width, outWidth);
  const input = afterwards(x, dy);
  const pieces = [];
  for (let first = 0; first < size!; first += WIDEST_FAST_KERNEL) {
    const columns = Math.min(WIDEST_FAST_KERNEL, size! - first);
    // The columns that the piece sees, some of them zeros beyond the map.
    const begin = first - left, seen = (outWidth - 1) * stride + columns;
    const from = Math.min(Math.max(begin, 0), width),
      to = Math.max(Math.min(begin + seen, width), from);
    const inside = tf.slice(input, [0, 0, from, 0], [batch, height, to - from, channels!]);
    const before = Math.max(-begin, 0), after = seen - before - (to - from);
    const padded = tf.pad(inside, [[0, 0], rows, [before, after], [0, 0]]);
    pieces.push(piece(padded, columns, "VALID"));
  }
  return tf.concat(pieces, 1);
}

function depthwise(attributes: Attributes, padding: string) {
  const stride = attributes!.stride as number;
  return {
    ...FLOAT,
    ...NHWC,
    strides: { int: [1, stride, stride, 1] },
    dilations: { int: [1, 1, 1, 1] },
    padding: { string: padding },
    explicit_paddings: { int: [] },
  };
}

/**
 * A 2-D convolution of each channel with a kernel of its own, with "same" padding.
 *
 * @param x `[batch, height, width, channels]`
 * @param kernel `[size, size, channels, 1]`
 * @returns `[batch, ceil(height / stride), ceil(width / stride), channels]`
 */
export function depthwiseConv2d(x: tf.Tensor4D, kernel: tf.Tensor4D, stride: number): tf.Tensor4D {
  return run(DEPTHWISE_CONV_2D, { x, kernel }, { stride });
}
