import { tf } from "@/tensorflow/mod.ts";
import { pixelCrossEntropy } from "./binary_cross_entropy.ts";

/** Settings of the focal loss. */
export interface FocalOptions {
  /** How much less well-classified pixels count; 0 gives the cross-entropy. Default: 2. */
  gamma?: number;
}

/**
 * The focal loss `mean((1 - q)^gamma BCE)`, where `q` is the probability given to the true class
 * (Lin et al. 2017, without class weights).
 *
 * @param logits `[batch, height, width, 1]`
 * @param masks The same shape; 0 or 1.
 * @returns A scalar, at least 0.
 */
export function focalLoss(
  logits: tf.Tensor4D,
  masks: tf.Tensor4D,
  { gamma = 2 }: FocalOptions = {},
): tf.Scalar {
  return tf.tidy(() => {
    // The probability of the wrong class is the sigmoid of the logit turned towards that class.
    const towardsWrong = tf.mul(logits, tf.sub(1, tf.mul(masks, 2)));
    const wrong = tf.sigmoid(towardsWrong);
    // The gradient of a power is infinite at 0, and tfjs would give NaN; for the usual 2 a square is
    // exact, elsewhere the smallest float keeps it finite.
    const factor = gamma === 2 ? tf.square(wrong) : tf.pow(tf.maximum(wrong, 1e-30), gamma);
    return tf.mean(tf.mul(factor, pixelCrossEntropy(logits, masks))) as tf.Scalar;
  });
}
