import { type StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { drawEach, type Range, withProbability } from "./random_draws.ts";

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

function clip(images: tf.Tensor): tf.Tensor4D {
  return tf.clipByValue(images, 0, 1) as tf.Tensor4D;
}

/** Multiplies the distance from the image's mean. */
export function contrast(options: PhotometricOptions): PhotometricTransform {
  return (images, random) => {
    const factor = draw(images, random, options, 1);
    const mean = tf.mean(images, [1, 2, 3], true);
    return clip(tf.add(mean, tf.mul(tf.sub(images, mean), factor)));
  };
}

/** Adds to all grey values. */
export function brightness(options: PhotometricOptions): PhotometricTransform {
  return (images, random) => clip(tf.add(images, draw(images, random, options, 0)));
}

/** Raises grey values to a power. */
export function gamma(options: PhotometricOptions): PhotometricTransform {
  // 0 to a power has no finite derivative in its logarithm, and stays black all the same.
  return (images, random) =>
    clip(tf.pow(tf.maximum(images, 1e-6), draw(images, random, options, 1)));
}
