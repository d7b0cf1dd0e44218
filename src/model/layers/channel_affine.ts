import { tf } from "@/tensorflow/mod.ts";

/** `scale x + shift` in each channel. // [channels] each */
export interface ChannelAffine {
  scale: tf.Tensor1D;
  shift: tf.Tensor1D;
}

/**
 * BatchNorm with stored statistics as one scale and one shift a channel: with the deviation
 * `sqrt(variance + epsilon)` the scale is `gamma / deviation`, the shift `beta - mean scale`.
 *
 * @param statistics `[channels]` each.
 */
export function batchNormAffine(
  { gamma, beta, mean, variance }: Record<"gamma" | "beta" | "mean" | "variance", tf.Tensor>,
  epsilon: number,
): ChannelAffine {
  const scale = tf.mul(gamma, tf.rsqrt(tf.add(variance, epsilon))) as tf.Tensor1D;
  return { scale, shift: tf.sub(beta, tf.mul(mean, scale)) };
}
