import { rawOp, type StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { drawEach, type Range, withProbability } from "./random_draws.ts";
import { clip } from "./sampling_grid.ts";

/** A change of grey values in 0 to 1, `[batch, height, width, 1]`, drawn for each image. */
export type PhotometricTransform = (images: tf.Tensor4D, random: StatelessRandom) => tf.Tensor4D;

/** Settings that all photometric transforms share. */
export interface PhotometricOptions {
  /** Share of the images that are changed, in `[0, 1]`. */
  probability: number;
  /** From where the strength is drawn. */
  range: Range;
}

function draw(
  images: tf.Tensor4D,
  random: StatelessRandom,
  { probability, range }: PhotometricOptions,
  neutral: number,
): tf.Tensor {
  const strength = drawEach(random, [images.shape[0], 1, 1, 1], range);
  return withProbability(random, probability, strength, neutral);
}

/** Multiplies the distance from the image's mean. */
export function contrast(options: PhotometricOptions): PhotometricTransform {
  return (images, random) => {
    const factor = draw(images, random, options, 1);
    const mean = tf.mean(images, [1, 2, 3], true);
    // In this form a factor of 1 changes no bit.
    return clip(tf.add(tf.mul(images, factor), tf.mul(mean, tf.sub(1, factor))), 0, 1);
  };
}

/** Adds to all grey values. */
export function brightness(options: PhotometricOptions): PhotometricTransform {
  return (images, random) => clip(tf.add(images, draw(images, random, options, 0)), 0, 1);
}

/** Raises grey values to a power above 0: black stays black, white stays white. */
export function gamma(options: PhotometricOptions): PhotometricTransform {
  return (images, random) => {
    const exponent = draw(images, random, options, 1);
    // A sixth of the time of tf.pow, to the same seven digits; but a power of 1 shall change no bit.
    const powers = tf.exp(tf.mul(exponent, tf.log(images)));
    return whereImage(tf.equal(exponent, 1), images, clip(powers as tf.Tensor4D, 0, 1));
  };
}

/** Whole images of the first batch where the condition of `[batch, 1, 1, 1]` holds, of the second else. */
function whereImage(condition: tf.Tensor, first: tf.Tensor4D, second: tf.Tensor4D): tf.Tensor4D {
  const ofImages = tf.reshape(condition, [-1]);
  return rawOp("Select", [ofImages, first, second], { T: { type: "float32" } })[0] as tf.Tensor4D;
}
