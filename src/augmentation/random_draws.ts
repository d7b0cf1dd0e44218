import type { StatelessRandom } from "@/tensorflow/mod.ts";
import { tf } from "@/tensorflow/mod.ts";

/** Numbers between which a value is drawn uniformly. */
export type Range = readonly [low: number, high: number];

/** One number for each image, drawn uniformly from a range; shape `shape`, `[batch, 1, 1, ...]`. */
export function drawEach(random: StatelessRandom, shape: number[], [low, high]: Range): tf.Tensor {
  return random.uniform(shape, low, high);
}

/**
 * For each image, a value with the given probability, else the value that changes nothing.
 *
 * @param probability In `[0, 1]`.
 */
export function withProbability(
  random: StatelessRandom,
  probability: number,
  value: tf.Tensor,
  neutral: number,
): tf.Tensor {
  const chosen = tf.less(random.uniform(value.shape), probability);
  return tf.where(chosen, value, tf.fill(value.shape, neutral));
}
