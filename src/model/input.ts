import { tf } from "@/tensorflow/mod.ts";

/** Mean and deviation of ImageNet's colours in 0 to 1, which EfficientNet's weights expect. */
const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

/**
 * Turns films into what the encoder expects: the grey value in each of three colours, normalised.
 *
 * @param images Grey values in 0 to 1, `[batch, height, width, 1]`.
 * @returns `[batch, height, width, 3]`
 */
export function normalizeImages(images: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => tf.div(tf.sub(images, tf.tensor1d(MEAN)), tf.tensor1d(DEVIATION)));
}
