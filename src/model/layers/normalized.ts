import { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import { activate, type Activation } from "./activation.ts";
import type { Convolution } from "./convolution.ts";
import type { Normalization } from "./normalization.ts";

/** What surrounds a convolution and its normalization. */
export interface Surroundings {
  /**
   * What each of the input's channels is multiplied by, in inference; not for depthwise convolutions.
   * // [channels]
   */
  inputScale?: tf.Tensor1D | undefined;
  /** The same for each image. // [batch, 1, 1, channels] */
  imageScale?: tf.Tensor4D | undefined;
  /** As large as the convolution's output. */
  add?: tf.Tensor4D | undefined;
  /** Behind the sum. */
  activation?: Activation | undefined;
}

/**
 * `activation(normalization(convolution(inputScale x)) + add)`. In inference BatchNorm is one scale and one shift a
 * channel: they go into the convolution's kernel and bias, and all of it becomes one operation with the
 * same result up to rounding.
 *
 * @param x `[batch, height, width, channels]`
 */
export function normalized(
  convolution: Convolution,
  normalization: Normalization,
  x: tf.Tensor4D,
  forward: Forward,
  { inputScale, imageScale, add, activation }: Surroundings = {},
): tf.Tensor4D {
  const affine = forward.training ? undefined : normalization.affine?.();
  if (affine) {
    const input: tf.Tensor4D = imageScale ? tf.mul(x, imageScale) : x;
    return convolution.applyFused(input, { inputScale, affine, add, activation });
  }
  const input: tf.Tensor4D = inputScale ? tf.mul(x, inputScale) : x;
  const y = normalization.apply(convolution.apply(input, imageScale), forward);
  return activate(add ? tf.add(y, add) : y, activation);
}
