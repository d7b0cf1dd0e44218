import { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import { activate, type Activation } from "./activation.ts";
import type { Convolution } from "./convolution.ts";
import type { Normalization } from "./normalization.ts";

/**
 * `activation(normalization(convolution(x)) + add)`. In inference BatchNorm is one scale and one shift a
 * channel: they go into the convolution's kernel and bias, and all of it becomes one operation with the
 * same result up to rounding.
 *
 * @param x `[batch, height, width, channels]`
 * @param follow.add As large as the convolution's output.
 */
export function normalized(
  convolution: Convolution,
  normalization: Normalization,
  x: tf.Tensor4D,
  forward: Forward,
  { add, activation }: { add?: tf.Tensor4D; activation?: Activation } = {},
): tf.Tensor4D {
  const affine = forward.training ? undefined : normalization.affine?.();
  if (affine) return convolution.applyFused(x, { affine, add, activation });
  const y = normalization.apply(convolution.apply(x), forward);
  return activate(add ? tf.add(y, add) : y, activation);
}
