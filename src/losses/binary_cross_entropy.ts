import { tf } from "@/tensorflow/mod.ts";

/**
 * Binary cross-entropy of each pixel, in the form that does not overflow:
 * `max(z, 0) - z y + log(1 + exp(-|z|))` (TensorFlow's `sigmoid_cross_entropy_with_logits`).
 *
 * @param logits Any shape.
 * @param masks The same shape; 0 or 1.
 * @returns The same shape; at least 0.
 */
export function pixelCrossEntropy(logits: tf.Tensor, masks: tf.Tensor): tf.Tensor {
  const overflowSafe = tf.log1p(tf.exp(tf.neg(tf.abs(logits))));
  return tf.add(tf.sub(tf.relu(logits), tf.mul(logits, masks)), overflowSafe);
}

/** The mean of {@linkcode pixelCrossEntropy} over all pixels of the batch, a scalar. */
export function binaryCrossEntropy(logits: tf.Tensor4D, masks: tf.Tensor4D): tf.Scalar {
  return tf.tidy(() => tf.mean(pixelCrossEntropy(logits, masks)) as tf.Scalar);
}
