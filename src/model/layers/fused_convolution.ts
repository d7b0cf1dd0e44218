import { isConstant, OneDnn, rawOp, tf, usesOneDnn } from "@/tensorflow/mod.ts";
import { activate, type Activation } from "./activation.ts";
import { biasAdd, isNarrow, paddedConv2d, pairColumns, pairedKernel } from "./kernels/mod.ts";

/** How a convolution moves over its input. */
export interface Geometry {
  /** "conv": `[height, width, channels / groups, filters]`; "depthwise": `[height, width, channels, 1]`. */
  kind: "conv" | "depthwise";
  stride: number;
  /** "same" as TensorFlow pads, or as many zeros on each side. */
  padding: "same" | number;
}

/** What follows a convolution: `activation(convolution + bias + add)`. */
export interface Epilogue {
  bias?: tf.Tensor | undefined;
  /** As large as the output. */
  add?: tf.Tensor4D | undefined;
  activation?: Activation | undefined;
}

/** The label under which oneDNN's kernels are registered; TensorFlow's own graph pass sets it too. */
const LABEL = { _kernel: { string: "MklNameChangeOp" } } as const;
const FLOAT = { T: { type: "float32" } } as const;

/**
 * A convolution with what follows it, for inference. On a CPU with oneDNN it is one operation, so that
 * the output is written to memory once; elsewhere it is several. (TensorFlow's own graph optimizer fuses
 * too, but in 2.21 it takes a slope of 0.2 for any LeakyReLU behind a sum.) It has a gradient only
 * outside `jit`, and inside `tf.grads`.
 *
 * @param x `[batch, height, width, channels]`
 * @returns `[batch, ceil(height / stride), ceil(width / stride), filters]`
 */
export function fusedConvolution(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  geometry: Geometry,
  epilogue: Epilogue,
): tf.Tensor4D {
  const { bias, add, activation } = epilogue;
  if (!bias || !canFuse()) return convolution(x, kernel, geometry, epilogue);
  // oneDNN does not do swish behind a sum.
  const inside = add && activation?.kind === "swish" ? undefined : activation;
  const y = fused(x, kernel, geometry, { bias, add, activation: inside });
  return inside === activation ? y : activateFused(y, activation);
}

function fused(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  geometry: Geometry,
  epilogue: FusedEpilogue,
): tf.Tensor4D {
  const { kind, stride, padding } = geometry;
  const moves = kind === "conv" && stride === 1 && padding === "same";
  if (moves && isNarrow(x, kernel)) return pairedConvolution(x, kernel, epilogue);
  const sides = padding === "same" ? undefined : [padding, padding, padding, padding];
  if (kind === "conv") return fusedOp(x, kernel, epilogue, [stride, stride], sides);
  // As many groups as channels: oneDNN's depthwise operation would leave out the activation.
  const [height, width, channels] = kernel.shape;
  const grouped: tf.Tensor4D = tf.reshape(kernel, [height, width, 1, channels]);
  return fusedOp(x, grouped, epilogue, [stride, stride], sides);
}

/** A 3x3 convolution that makes two columns at a time, side by side as channels. */
function pairedConvolution(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  { bias, add, activation }: FusedEpilogue,
): tf.Tensor4D {
  const [batch, height, width] = x.shape;
  const epilogue = { bias: tf.tile(bias, [2]), add: add && pairColumns(add), activation };
  const y = fusedOp(x, pairedKernel(kernel), epilogue, [1, 2], [1, 1, 1, 1]);
  return tf.reshape(y, [batch, height, width, kernel.shape[3]]);
}

/** What oneDNN can do within a convolution. */
interface FusedEpilogue extends Epilogue {
  bias: tf.Tensor;
}

/**
 * oneDNN's convolution with what follows.
 *
 * @param kernel `[height, width, channels / groups, filters]`
 * @param strides Down and to the right.
 * @param sides Zeros above, below, left and right. Default: as "same" has it.
 */
function fusedOp(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  { bias, add, activation }: FusedEpilogue,
  strides: [number, number],
  sides?: number[],
): tf.Tensor4D {
  const args = add ? [bias, add] : [bias];
  const follow = [...(add ? ["Add"] : []), ...(activation ? [nameOf(activation)] : [])];
  return rawOp(OneDnn.CONV, [x, kernel, ...args], {
    ...FLOAT,
    ...LABEL,
    data_format: { string: "NHWC" },
    strides: { int: [1, ...strides, 1] },
    dilations: { int: [1, 1, 1, 1] },
    padding: { string: sides ? "EXPLICIT" : "SAME" },
    explicit_paddings: { int: sides ? [0, 0, ...sides, 0, 0] : [] },
    TArgs: { type: args.map(() => "float32" as const) },
    num_host_args: { int: 0 },
    num_args: { int: args.length },
    fused_ops: { string: ["BiasAdd", ...follow] },
    leakyrelu_alpha: { float: activation?.kind === "leaky-relu" ? activation.alpha : 0 },
    // Constant kernels are brought into oneDNN's order once.
    is_filter_const: { bool: isConstant(kernel) },
  })[0] as tf.Tensor4D;
}

/** {@linkcode activate}, with swish as one operation where oneDNN has it. */
export function activateFused(x: tf.Tensor4D, activation: Activation | undefined): tf.Tensor4D {
  if (activation?.kind !== "swish" || !canFuse()) return activate(x, activation);
  return rawOp(OneDnn.SWISH, [x], FLOAT)[0] as tf.Tensor4D;
}

function nameOf(activation: Activation): string {
  return { "relu": "Relu", "leaky-relu": "LeakyRelu", "swish": OneDnn.SWISH }[activation.kind];
}

/** Whether {@linkcode fusedConvolution} is one operation here. */
export function canFuse(): boolean {
  return usesOneDnn() && tf.engine().state.gradientDepth === 0;
}

function convolution(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  { kind, stride, padding }: Geometry,
  { bias, add, activation }: Epilogue,
): tf.Tensor4D {
  let y: tf.Tensor4D;
  if (kind === "depthwise") y = tf.depthwiseConv2d(x, kernel, stride, padding);
  else if (padding === "same") y = tf.conv2d(x, kernel, stride, padding);
  else y = paddedConv2d(x, kernel, { stride, groups: x.shape[3] / kernel.shape[2] });
  if (bias) y = biasAdd(y, bias);
  return activate(add ? tf.add(y, add) : y, activation);
}
