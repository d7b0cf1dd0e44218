import { isConstant, OneDnn, rawOp, tf, usesOneDnn } from "@/tensorflow/mod.ts";
import type { Activation } from "./activation.ts";

/** What follows a convolution: `activation(convolution + bias + add)`. */
export interface Epilogue {
  bias?: tf.Tensor | undefined;
  /** As large as the output. */
  add?: tf.Tensor4D | undefined;
  activation?: Activation | undefined;
}

/** What oneDNN can do within a convolution; not swish behind a sum. */
export interface FusedEpilogue extends Epilogue {
  bias: tf.Tensor;
}

/** The label under which oneDNN's kernels are registered; TensorFlow's own graph pass sets it too. */
const LABEL = { _kernel: { string: "MklNameChangeOp" } } as const;
const FLOAT = { T: { type: "float32" } } as const;

/** Whether {@linkcode oneDnnConvolution} may be named here. */
export function canFuse(): boolean {
  return usesOneDnn() && tf.engine().state.gradientDepth === 0;
}

/**
 * oneDNN's convolution with what follows.
 *
 * @param kernel `[height, width, channels / groups, filters]`
 * @param strides Down and to the right.
 * @param sides Zeros above, below, left and right. Default: as "same" has it.
 */
export function oneDnnConvolution(
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

function nameOf(activation: Activation): string {
  return { "relu": "Relu", "leaky-relu": "LeakyRelu", "swish": OneDnn.SWISH }[activation.kind];
}
