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
    // In this form a factor of 1 changes no bit.
    return clip(tf.add(tf.mul(images, factor), tf.mul(mean, tf.sub(1, factor))));
  };
}

/** Adds to all grey values. */
export function brightness(options: PhotometricOptions): PhotometricTransform {
  return (images, random) => clip(tf.add(images, draw(images, random, options, 0)));
}

/** Raises grey values to a power above 0: black stays black, white stays white. */
export function gamma(options: PhotometricOptions): PhotometricTransform {
  return (images, random) => clip(tf.pow(images, draw(images, random, options, 1)));
}
