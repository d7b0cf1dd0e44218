import { inFloat32, tf } from "@/tensorflow/mod.ts";
import { canFuse, fusedConvolution } from "./layers/mod.ts";

/** Mean of ImageNet's red, green and blue in 0 to 1, which pretrained weights expect. */
export const COLOUR_MEAN: readonly number[] = [0.485, 0.456, 0.406];
/** Their standard deviation. */
export const COLOUR_DEVIATION: readonly number[] = [0.229, 0.224, 0.225];

/**
 * Turns films into what the encoder expects: the grey value in each of three colours, normalised.
 *
 * @param images Grey values in 0 to 1, `[batch, height, width, 1]`.
 * @returns `[batch, height, width, 3]`
 */
export function normalizeImages(images: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const mean = tf.tensor1d([...COLOUR_MEAN]), deviation = tf.tensor1d([...COLOUR_DEVIATION]);
    if (!canFuse()) return tf.div(tf.sub(images, mean), deviation);
    // One channel spread over three is slow but for a convolution: a seventh of the time.
    const kernel: tf.Tensor4D = tf.reshape(tf.div(1, deviation), [1, 1, 1, 3]);
    const geometry = { kind: "conv", stride: 1, padding: "same" } as const;
    const bias = tf.neg(tf.div(mean, deviation));
    return inFloat32(() => fusedConvolution(images, kernel, geometry, { bias }));
  });
}
