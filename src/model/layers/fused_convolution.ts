import { isConstant, OneDnn, rawOp, tf, usesOneDnn } from "@/tensorflow/mod.ts";
import { activate, type Activation } from "./activation.ts";
import { biasAdd, paddedConv2d } from "./kernels/mod.ts";

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
  const depthwise = geometry.kind === "depthwise";
  // oneDNN adds and activates behind ordinary convolutions only, and does not do swish behind a sum.
  const isInside = !depthwise && !(add && activation?.kind === "swish");
  const inside = isInside ? activation : undefined;
  const args = add && !depthwise ? [bias, add] : [bias];
  const { stride, padding } = geometry;
  const y = rawOp(depthwise ? OneDnn.DEPTHWISE_CONV : OneDnn.CONV, [x, kernel, ...args], {
    ...FLOAT,
    ...LABEL,
    data_format: { string: "NHWC" },
    strides: { int: [1, stride, stride, 1] },
    dilations: { int: [1, 1, 1, 1] },
    padding: { string: padding === "same" ? "SAME" : "EXPLICIT" },
    ...(depthwise ? {} : {
      explicit_paddings: {
        int: padding === "same" ? [] : [0, 0, padding, padding, padding, padding, 0, 0],
      },
      TArgs: { type: args.map(() => "float32" as const) },
      num_host_args: { int: 0 },
    }),
    num_args: { int: args.length },
    fused_ops: {
      string: ["BiasAdd", ...(args.length > 1 ? ["Add"] : []), ...(inside ? [nameOf(inside)] : [])],
    },
    leakyrelu_alpha: { float: inside?.kind === "leaky-relu" ? inside.alpha : 0 },
    // Constant kernels are brought into oneDNN's order once.
    is_filter_const: { bool: isConstant(kernel) },
  })[0] as tf.Tensor4D;
  if (isInside) return y;
  return activateFused(depthwise && add ? tf.add(y, add) : y, activation);
}

/** {@linkcode activate}, with swish as one operation where oneDNN has it. */
export function activateFused(x: tf.Tensor4D, activation: Activation | undefined): tf.Tensor4D {
  if (activation?.kind !== "swish" || !canFuse()) return activate(x, activation);
  return rawOp(OneDnn.SWISH, [x], FLOAT)[0] as tf.Tensor4D;
}

function nameOf(activation: Activation): string {
  return { "relu": "Relu", "leaky-relu": "LeakyRelu", "swish": OneDnn.SWISH }[activation.kind];
}

function canFuse(): boolean {
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
