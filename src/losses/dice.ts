import { tf } from "@/tensorflow/mod.ts";

/** Over which pixels a ratio is taken: those of the whole batch, or of each image (then averaged). */
export type Reduction = "batch" | "image";

/** The processes that share a batch: what sums over the whole of it are computed with. */
export interface SharedBatch {
  /** The sum of the processes' tensors; its gradient is the sum of theirs. */
  sum<T extends tf.Tensor>(x: T): T;
}

/** Settings of the dice loss. */
export interface DiceOptions {
  /** Default: "batch". */
  per?: Reduction;
  /**
   * Added to numerator and denominator: where mask and prediction are empty the loss is then 0.
   * Default: 1.
   */
  smooth?: number;
  /** Where processes share the batch: those whose sums are one ratio. Default: this process alone. */
  shared?: SharedBatch | undefined;
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
  { per = "batch", smooth = 1, shared }: DiceOptions = {},
): tf.Scalar {
  return tf.tidy(() => {
    const axes = per === "image" ? [1, 2, 3] : undefined;
    const probabilities = tf.sigmoid(logits);
    const sums = tf.stack([
      tf.sum(tf.mul(probabilities, masks), axes),
      tf.add(tf.sum(probabilities, axes), tf.sum(masks, axes)),
    ]);
    const isShared = shared && per === "batch";
    const [overlap, total] = tf.unstack(isShared ? shared.sum(sums) : sums) as [
      tf.Tensor,
      tf.Tensor,
    ];
    const dice = tf.div(tf.add(tf.mul(overlap, 2), smooth), tf.add(total, smooth));
    return tf.sub(1, tf.mean(dice)) as tf.Scalar;
  });
}
