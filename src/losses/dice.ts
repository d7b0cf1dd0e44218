import { tf } from "@/tensorflow/mod.ts";

/** Over which pixels a ratio is taken: those of the whole batch, or of each image (then averaged). */
export type Reduction = "batch" | "image";

/** Settings of the dice loss. */
export interface DiceOptions {
  /** Default: "batch". */
  per?: Reduction;
  /**
   * Added to numerator and denominator: where mask and prediction are empty the loss is then 0.
   * Default: 1.
   */
  smooth?: number;
}

/**
 * The soft dice loss `1 - (2 sum(p y) + s) / (sum(p) + sum(y) + s)` (Milletari et al. 2016, with plain
 * sums in the denominator as in the report), where `p` is the sigmoid of the logits.
 *
 * @param logits `[batch, height, width, 1]`
 * @param masks The same shape; 0 or 1.
 * @returns A scalar in `[0, 1]`.
 */
export function diceLoss(
  logits: tf.Tensor4D,
  masks: tf.Tensor4D,
  { per = "batch", smooth = 1 }: DiceOptions = {},
): tf.Scalar {
  return tf.tidy(() => {
    const axes = per === "image" ? [1, 2, 3] : undefined;
    const probabilities = tf.sigmoid(logits);
    const overlap = tf.sum(tf.mul(probabilities, masks), axes);
    const total = tf.add(tf.sum(probabilities, axes), tf.sum(masks, axes));
    const dice = tf.div(tf.add(tf.mul(overlap, 2), smooth), tf.add(total, smooth));
    return tf.sub(1, tf.mean(dice)) as tf.Scalar;
  });
}
