import { OneDnn, rawOp, tf } from "@/tensorflow/mod.ts";
import { activate, type Activation } from "./activation.ts";
import { biasAdd, isNarrow, paddedConv2d, pairColumns, pairedKernel } from "./kernels/mod.ts";
import {
  canFuse,
  type Epilogue,
  type FusedEpilogue,
  oneDnnConvolution,
} from "./onednn_convolution.ts";
import { winogradConvolution, winogradPays, winogradTiles } from "./winograd.ts";

/** How a convolution moves over its input. */
export interface Geometry {
  /** "conv": `[height, width, channels / groups, filters]`; "depthwise": `[height, width, channels, 1]`. */
  kind: "conv" | "depthwise";
  stride: number;
  /** "same" as TensorFlow pads, or as many zeros on each side. */
  padding: "same" | number;
}

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
  if (isWinograd(x, kernel, geometry)) {
    return winogradConvolution(winogradTiles(x), kernel, { ...epilogue, bias });
  }
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
  if (kind === "conv") return oneDnnConvolution(x, kernel, epilogue, [stride, stride], sides);
  // As many groups as channels: oneDNN's depthwise operation would leave out the activation.
  const [height, width, channels] = kernel.shape;
  const grouped: tf.Tensor4D = tf.reshape(kernel, [height, width, 1, channels]);
  return oneDnnConvolution(x, grouped, epilogue, [stride, stride], sides);
}

function isWinograd(x: tf.Tensor4D, kernel: tf.Tensor4D, { kind, stride, padding }: Geometry) {
  const isPlain = kind === "conv" && stride === 1 && (padding === "same" || padding === 1);
  return isPlain && kernel.shape[2] === x.shape[3] && winogradPays(x, kernel);
}

/** A 3x3 convolution that makes two columns at a time, side by side as channels. */
function pairedConvolution(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  { bias, add, activation }: FusedEpilogue,
): tf.Tensor4D {
  const [batch, height, width] = x.shape;
  const epilogue = { bias: tf.tile(bias, [2]), add: add && pairColumns(add), activation };
  const y = oneDnnConvolution(x, pairedKernel(kernel), epilogue, [1, 2], [1, 1, 1, 1]);
  return tf.reshape(y, [batch, height, width, kernel.shape[3]]);
}

/** {@linkcode activate}, with swish as one operation where oneDNN has it. */
export function activateFused(x: tf.Tensor4D, activation: Activation | undefined): tf.Tensor4D {
  if (activation?.kind !== "swish" || !canFuse()) return activate(x, activation);
  return rawOp(OneDnn.SWISH, [x], { T: { type: "float32" } })[0] as tf.Tensor4D;
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
