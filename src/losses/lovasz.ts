import { tf } from "@/tensorflow/mod.ts";
import type { Reduction } from "./dice.ts";
import { gatherColumns, sortDescending } from "./sort.ts";

/** Settings of the Lovász hinge. */
export interface LovaszOptions {
  /** Default: "image". Per image is what the competition's metric rewards. */
  per?: Reduction;
  /**
   * How many pixels a pixel of the mask counts as in the Jaccard index. Above 1 it costs more to
   * miss one than to add one, which holds the empty mask off. Default: 1.
   */
  positiveWeight?: number;
}

/**
 * The Lovász hinge (Berman, Triki & Blaschko 2018): the convex extension of the Jaccard loss
 * `1 - |A and B| / |A or B|` to the hinge errors `1 - z (2 y - 1)` of all pixels. A mistake costs what
 * it takes off the Jaccard index after all larger ones have been made. Of an empty truth only the
 * largest logit counts: `max(0, 1 + max(z))`.
 *
 * @param logits `[batch, height, width, 1]`
 * @param masks The same shape; 0 or 1.
 * @returns A scalar, at least 0.
 * @throws {RangeError} If `positiveWeight` is not a finite number above 0.
 */
export function lovaszHinge(
  logits: tf.Tensor4D,
  masks: tf.Tensor4D,
  { per = "image", positiveWeight = 1 }: LovaszOptions = {},
): tf.Scalar {
  if (!(positiveWeight > 0 && Number.isFinite(positiveWeight))) {
    throw new RangeError(
      `Cannot compute the Lovász hinge as positiveWeight must be > 0: ${positiveWeight}`,
    );
  }
  return tf.tidy(() => {
    const rows = per === "image" ? logits.shape[0] : 1;
    const z = tf.reshape(logits, [rows, -1]) as tf.Tensor2D;
    const y = tf.reshape(masks, [rows, -1]) as tf.Tensor2D;
    const signs = tf.sub(tf.mul(y, 2), 1);
    const { values: errors, permutation } = sortDescending(tf.sub(1, tf.mul(z, signs)));
    const costs = jaccardCosts(gatherColumns(y, permutation), positiveWeight);
    return tf.div(tf.sum(tf.mul(tf.relu(errors), costs)), rows) as tf.Scalar;
  });
}

/**
 * The mean of the Lovász hinge of the problem and of its inverse, where the background is what is to be
 * found: an empty truth then has a full one beside it, in which every pixel counts.
 *
 * @param logits `[batch, height, width, 1]`
 * @param masks The same shape; 0 or 1.
 * @param options Of both; in the inverse `positiveWeight` goes to the background.
 */
export function symmetricLovaszHinge(
  logits: tf.Tensor4D,
  masks: tf.Tensor4D,
  options: LovaszOptions = {},
): tf.Scalar {
  return tf.tidy(() => {
    const direct = lovaszHinge(logits, masks, options);
    const inverse = lovaszHinge(tf.neg(logits), tf.sub(1, masks), options);
    return tf.div(tf.add(direct, inverse), 2) as tf.Scalar;
  });
}

/**
 * What each further mistake adds to the Jaccard loss (algorithm 1 of the paper): the differences of
 * `1 - (p - missed) / (p + added)`, where `p` is the weight of the truth.
 *
 * @param sorted The truth in the order of falling errors `[rows, pixels]`.
 */
function jaccardCosts(sorted: tf.Tensor2D, positiveWeight: number): tf.Tensor2D {
  const truth = tf.mul(sorted, positiveWeight);
  const missed = tf.cumsum(truth, 1);
  const added = tf.cumsum(tf.sub(1, sorted), 1);
  const whole = tf.sum(truth, 1, true);
  const losses = tf.sub(1, tf.div(tf.sub(whole, missed), tf.add(whole, added)));
  const before = tf.pad(losses, [[0, 0], [1, 0]]);
  const [rows, pixels] = sorted.shape;
  return tf.sub(losses, tf.slice(before, [0, 0], [rows, pixels])) as tf.Tensor2D;
}
