import { OneDnn, rawOp, tf } from "@/tensorflow/mod.ts";
import { activate, type Activation } from "./activation.ts";
import { biasAdd, paddedConv2d } from "./kernels/mod.ts";
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
  if (isNarrow(x, kernel, geometry)) return pairedConvolution(x, kernel, epilogue);
  const { kind, stride, padding } = geometry;
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

/** Filters of float32 that oneDNN's AVX-512 kernels compute at once; with AVX2 half of them. */
const LANES = 16;

/** Whether a convolution makes so few channels that two columns of them fill the lanes. */
function isNarrow(x: tf.Tensor4D, kernel: tf.Tensor4D, { kind, stride, padding }: Geometry) {
  const [height, width, , filters] = kernel.shape;
  return kind === "conv" && stride === 1 && padding === "same" && height === 3 && width === 3 &&
    filters > 1 && filters <= LANES / 2 && x.shape[2] % 2 === 0;
}

/**
 * A 3x3 convolution that makes two columns at a time, side by side as channels: its kernel is 3x4, moves
 * by two columns, and holds zeros where a column does not look. A third more products, but no idle lanes.
 */
function pairedConvolution(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  { bias, add, activation }: FusedEpilogue,
): tf.Tensor4D {
  const [batch, height, width] = x.shape;
  const filters = kernel.shape[3];
  const pairs = (map: tf.Tensor4D): tf.Tensor4D =>
    tf.reshape(map, [batch, height, width / 2, 2 * filters]);
  const shifted = [0, 1].map((column) =>
    tf.pad(kernel, [[0, 0], [column, 1 - column], [0, 0], [0, 0]])
  );
  const epilogue = { bias: tf.tile(bias, [2]), add: add && pairs(add), activation };
  const y = oneDnnConvolution(x, tf.concat(shifted, 3) as tf.Tensor4D, epilogue, [1, 2], [
    1,
    1,
    1,
    1,
  ]);
  return tf.reshape(y, [batch, height, width, filters]);
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
