/**
 * Kernels of TensorFlow that TensorFlow.js computes from several smaller ones, or not at all: one
 * fused operation forward and one backward save time and memory.
 */
import { rawOp, tf } from "@/tensorflow/mod.ts";

const FLOAT = { T: { type: "float32" } } as const;
const NHWC = { data_format: { string: "NHWC" } } as const;

type Inputs = tf.NamedTensorInfoMap;
type Attributes = tf.NamedAttrMap | undefined;

function register(
  kernelName: string,
  forward: (inputs: Inputs, attributes: Attributes) => tf.TensorInfo | tf.TensorInfo[],
  gradient: Omit<tf.GradConfig, "kernelName">,
): void {
  tf.registerKernel({
    kernelName,
    backendName: "tensorflow",
    kernelFunc: ({ inputs, attrs }) => forward(inputs, attrs),
  });
  tf.registerGradient({ kernelName, ...gradient });
}

function run<T>(kernelName: string, inputs: Inputs, attributes: tf.NamedAttrMap = {}): T {
  return tf.engine().runKernel(
    kernelName,
    inputs as unknown as tf.NamedTensorMap,
    attributes,
  ) as unknown as T;
}

const BIAS_ADD = "project/BiasAdd";
register(
  BIAS_ADD,
  ({ x, bias }) => rawOp("BiasAdd", [x!, bias!], { ...FLOAT, ...NHWC })[0]!,
  {
    gradFunc: (dy) => ({
      x: () => dy as tf.Tensor,
      bias: () => rawOp("BiasAddGrad", [dy as tf.Tensor], { ...FLOAT, ...NHWC })[0]!,
    }),
  },
);

/** `x + bias` over the last axis: `[batch, height, width, channels]` and `[channels]`. */
export function biasAdd(x: tf.Tensor4D, bias: tf.Tensor): tf.Tensor4D {
  return run(BIAS_ADD, { x, bias });
}

const PADDED_CONV_2D = "project/PaddedConv2D";
register(
  PADDED_CONV_2D,
  ({ x, kernel }, attributes) => rawOp("Conv2D", [x!, kernel!], convolution(attributes))[0]!,
  {
    inputsToSave: ["x", "kernel"],
    gradFunc: (dy, [x, kernel], attributes) => {
      // TensorFlow has no gradients of grouped convolutions on CPUs: each group has its own.
      const groups = attributes!.groups as number;
      const split = (t: tf.Tensor) => groups === 1 ? [t] : tf.split(t, groups, -1);
      const join = (parts: tf.Tensor[]) => groups === 1 ? parts[0]! : tf.concat(parts, -1);
      const shapeOf = (t: tf.Tensor) => tf.tensor1d(t.shape, "int32");
      return {
        x: () => {
          const [dys, kernels] = [split(dy as tf.Tensor), split(kernel!)];
          const [batch, height, width, channels] = x!.shape as number[];
          const shape = tf.tensor1d([batch!, height!, width!, channels! / groups], "int32");
          return join(
            kernels.map((kernel, g) =>
              rawOp("Conv2DBackpropInput", [shape, kernel, dys[g]!], convolution(attributes))[0]!
            ),
          );
        },
        kernel: () => {
          const [dys, xs, kernels] = [split(dy as tf.Tensor), split(x!), split(kernel!)];
          return join(xs.map((x, g) => {
            const inputs = [x, shapeOf(kernels[g]!), dys[g]!];
            return rawOp("Conv2DBackpropFilter", inputs, convolution(attributes))[0]!;
          }));
        },
      };
    },
  },
);

function convolution(attributes: Attributes) {
  const stride = attributes!.stride as number, pad = attributes!.pad as number;
  return {
    ...FLOAT,
    ...NHWC,
    strides: { int: [1, stride, stride, 1] },
    dilations: { int: [1, 1, 1, 1] },
    padding: { string: "EXPLICIT" },
    explicit_paddings: { int: [0, 0, pad, pad, pad, pad, 0, 0] },
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
  return run(PADDED_CONV_2D, { x, kernel }, { stride, groups, pad: (size - 1) / 2 });
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
  const padding = [missing(height, outHeight), missing(width, outWidth)] as const;
  const padded = tf.pad(x, [[0, 0], ...padding, [0, 0]]);
  const pieces = [];
  for (let first = 0; first < size!; first += WIDEST_FAST_KERNEL) {
    const columns = Math.min(WIDEST_FAST_KERNEL, size! - first);
    const seen = (outWidth - 1) * stride + columns;
    const part = tf.slice(padded, [0, 0, first, 0], [batch, padded.shape[1]!, seen, channels!]);
    pieces.push(piece(part, columns, "VALID"));
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

const LEAKY_RELU = "project/LeakyRelu";
register(
  LEAKY_RELU,
  ({ x }, attributes) => rawOp("LeakyRelu", [x!], { ...FLOAT, ...slope(attributes) })[0]!,
  {
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attributes) => ({
      x: () =>
        rawOp("LeakyReluGrad", [dy as tf.Tensor, x!], { ...FLOAT, ...slope(attributes) })[0]!,
    }),
  },
);

function slope(attributes: Attributes) {
  return { alpha: { float: attributes!.alpha as number } };
}

/** `max(x, alpha x)` for `0 <= alpha < 1` (Maas et al. 2013). */
export function leakyRelu(x: tf.Tensor4D, alpha: number): tf.Tensor4D {
  return run(LEAKY_RELU, { x }, { alpha });
}

const SWISH = "project/Swish";
register(
  SWISH,
  ({ x }) => tf.tidy(() => tf.mul(x as tf.Tensor, tf.sigmoid(x as tf.Tensor))),
  {
    inputsToSave: ["x"],
    gradFunc: (dy, [x]) => ({
      x: () => {
        const sigmoid = tf.sigmoid(x!);
        // x sigmoid (1 - sigmoid): TensorFlow multiplies the slope of the sigmoid with what it is given.
        const rest = rawOp("SigmoidGrad", [sigmoid, x!], FLOAT)[0]!;
        return tf.mul(dy as tf.Tensor, tf.add(sigmoid, rest));
      },
    }),
  },
);

/** `x sigmoid(x)` (Ramachandran et al. 2017); its gradient keeps only `x` in memory. */
export function swish(x: tf.Tensor4D): tf.Tensor4D {
  return run(SWISH, { x });
}

const BATCH_NORM_TRAINING = "project/BatchNormTraining";
register(
  BATCH_NORM_TRAINING,
  ({ x, gamma, beta }, attributes) => {
    const none = tf.tensor1d([]);
    return rawOp("FusedBatchNormV3", [x!, gamma!, beta!, none, none], {
      ...fusedBatchNorm(attributes, true),
      exponential_avg_factor: { float: 1 },
    }, 6);
  },
  {
    inputsToSave: ["x", "gamma"],
    outputsToSave: [false, false, false, true, true, true],
    gradFunc: (dys, [x, gamma, ...reserved], attributes) => {
      // Not inside the functions below: TensorFlow.js frees what each of them leaves behind.
      const gradients = rawOp(
        "FusedBatchNormGradV3",
        [(dys as tf.Tensor[])[0]!, x!, gamma!, ...reserved],
        fusedBatchNorm(attributes, true),
        5,
      );
      return { x: () => gradients[0]!, gamma: () => gradients[1]!, beta: () => gradients[2]! };
    },
  },
);

const BATCH_NORM_INFERENCE = "project/BatchNormInference";
register(
  BATCH_NORM_INFERENCE,
  ({ x, gamma, beta, mean, variance }, attributes) =>
    rawOp(
      "FusedBatchNormV3",
      [x!, gamma!, beta!, mean!, variance!],
      fusedBatchNorm(attributes, false),
      6,
    )[0]!,
  {
    inputsToSave: ["x", "gamma", "mean", "variance"],
    gradFunc: (dy, [x, gamma, mean, variance], attributes) => {
      const scale = () => tf.rsqrt(tf.add(variance!, attributes!.epsilon as number));
      const sum = (t: tf.Tensor) => tf.sum(t, [0, 1, 2]);
      return {
        x: () => tf.mul(dy as tf.Tensor, tf.mul(gamma!, scale())),
        gamma: () => sum(tf.mul(dy as tf.Tensor, tf.mul(tf.sub(x!, mean!), scale()))),
        beta: () => sum(dy as tf.Tensor),
        mean: () => tf.zerosLike(mean!),
        variance: () => tf.zerosLike(variance!),
      };
    },
  },
);

/** The gradients of {@linkcode batchNormInference} by its input, scale and shift, in one operation. */
export function batchNormFrozenGradient(
  dy: tf.Tensor4D,
  x: tf.Tensor4D,
  gamma: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  epsilon: number,
): [dx: tf.Tensor4D, dgamma: tf.Tensor1D, dbeta: tf.Tensor1D] {
  const inputs = [dy, x, gamma, mean, variance, tf.tensor1d([])];
  const attributes = fusedBatchNorm({ epsilon }, false);
  const [dx, dgamma, dbeta] = rawOp("FusedBatchNormGradV3", inputs, attributes, 5);
  return [dx as tf.Tensor4D, dgamma as tf.Tensor1D, dbeta as tf.Tensor1D];
}

function fusedBatchNorm(attributes: Attributes, training: boolean) {
  return {
    ...FLOAT,
    U: { type: "float32" },
    epsilon: { float: attributes!.epsilon as number },
    ...NHWC,
    is_training: { bool: training },
  } as const;
}

/**
 * Normalises with the statistics of the batch (Ioffe & Szegedy 2015).
 *
 * @returns The output `[batch, height, width, channels]`, and the batch's mean and (unbiased)
 * variance `[channels]`, which carry no gradient.
 */
export function batchNormTraining(
  x: tf.Tensor4D,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
): [output: tf.Tensor4D, mean: tf.Tensor1D, variance: tf.Tensor1D] {
  return run<[tf.Tensor4D, tf.Tensor1D, tf.Tensor1D]>(
    BATCH_NORM_TRAINING,
    { x, gamma, beta },
    { epsilon },
  );
}

/** Normalises with stored statistics, which get no gradient. */
export function batchNormInference(
  x: tf.Tensor4D,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  epsilon: number,
): tf.Tensor4D {
  return run(BATCH_NORM_INFERENCE, { x, gamma, beta, mean, variance }, { epsilon });
}

const GROUP_NORM = "project/GroupNorm";
register(
  GROUP_NORM,
  ({ x, gamma, beta }, attributes) => {
    const groups = inGroups(x as tf.Tensor4D, attributes);
    const { mean, variance } = tf.moments(groups, GROUP_AXES, true);
    const scale = tf.rsqrt(tf.add(variance, attributes!.epsilon as number));
    const normal = tf.reshape(tf.mul(tf.sub(groups, mean), scale), x!.shape);
    const y = tf.add(tf.mul(normal, gamma as tf.Tensor), beta as tf.Tensor);
    tf.dispose([groups, variance, normal]);
    return [y, mean, scale];
  },
  {
    inputsToSave: ["x", "gamma"],
    outputsToSave: [false, true, true],
    gradFunc: (dys, [x, gamma, mean, scale], attributes) => {
      const dy = (dys as tf.Tensor[])[0]!;
      const normalised = () => {
        const groups = inGroups(x as tf.Tensor4D, attributes);
        return tf.mul(tf.sub(groups, mean!), scale!);
      };
      const sum = (t: tf.Tensor) => tf.sum(t, [0, 1, 2]);
      return {
        // What changes a group's mean or variance comes back through both.
        x: () => {
          const normal = normalised();
          const slope = inGroups(tf.mul(dy, gamma!) as tf.Tensor4D, attributes);
          const throughMean = tf.mean(slope, GROUP_AXES, true);
          const throughVariance = tf.mean(tf.mul(slope, normal), GROUP_AXES, true);
          const rest = tf.sub(tf.sub(slope, throughMean), tf.mul(normal, throughVariance));
          return tf.reshape(tf.mul(rest, scale!), x!.shape);
        },
        gamma: () => sum(tf.mul(dy, tf.reshape(normalised(), x!.shape))),
        beta: () => sum(dy),
      };
    },
  },
);

/** Rows, columns, and channels of a group. */
const GROUP_AXES = [1, 2, 4];

function inGroups(x: tf.Tensor4D, attributes: Attributes): tf.Tensor5D {
  const [batch, height, width, channels] = x.shape;
  const groups = attributes!.groups as number;
  return tf.reshape(x, [batch, height, width, groups, channels / groups]);
}

/**
 * Normalises each image over groups of its channels (Wu & He 2018); its gradient keeps only `x` and the
 * groups' statistics in memory.
 */
export function groupNorm(
  x: tf.Tensor4D,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  groups: number,
  epsilon: number,
): tf.Tensor4D {
  return run<[tf.Tensor4D]>(GROUP_NORM, { x, gamma, beta }, { groups, epsilon })[0];
}
