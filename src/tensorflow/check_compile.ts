import { tf } from "./backend.ts";
import { type CompileOptions, jitIn, modeOf } from "./jit.ts";

/** What a convolution that passes on 100,000 gives in a shorter format: too much, or 8 digits of it. */
const ROUNDED = { float16: Infinity, bfloat16: 99_840 };

/**
 * Refuses what cannot be computed here, for who wants to know before the work begins. Where a processor
 * lacks a format TensorFlow says nothing and computes in float32, so a convolution is tried.
 *
 * @throws {RangeError} If a GPU is asked for and there is none, the options exclude one another, or the
 * processor does not have the format.
 */
export function checkCompileOptions(options: CompileOptions): void {
  const convolve = (x: tf.Tensor4D, kernel: tf.Tensor4D) => tf.conv2d(x, kernel, 1, "same");
  const probe = jitIn(modeOf(options, true), convolve, { ...options, name: "probe" });
  const { mixedPrecision } = options;
  if (!mixedPrecision) return;
  const result = tf.tidy(() => {
    const x = tf.fill([1, 1, 1, 1], 100_000) as tf.Tensor4D;
    return probe(x, tf.ones([1, 1, 1, 1]) as tf.Tensor4D).dataSync()[0];
  });
  probe.dispose();
  if (result === ROUNDED[mixedPrecision]) return;
  throw new RangeError(
    `Cannot compute in mixed precision as TensorFlow stays in float32 on this processor: ` +
      `${mixedPrecision}. Leave it out`,
  );
}
