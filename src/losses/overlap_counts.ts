import { tf } from "@/tensorflow/mod.ts";

/**
 * What dice and IoU of each image are computed from: the pixels in prediction and truth, in the
 * prediction, and in the truth.
 *
 * @param logits `[batch, height, width, 1]`
 * @param masks The same shape; 0 or 1.
 * @param threshold Probability above which a pixel is in the prediction, in `(0, 1)`.
 * @returns `[batch, 3]`
 */
export function overlapCounts(
  logits: tf.Tensor4D,
  masks: tf.Tensor4D,
  threshold: number,
): tf.Tensor2D {
  return tf.tidy(() => {
    const predicted = tf.cast(tf.greater(tf.sigmoid(logits), threshold), "float32");
    const count = (pixels: tf.Tensor) => tf.sum(pixels, [1, 2, 3]);
    return tf.stack([count(tf.mul(predicted, masks)), count(predicted), count(masks)], 1);
  }) as tf.Tensor2D;
}
