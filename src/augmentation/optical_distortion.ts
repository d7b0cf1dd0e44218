import { tf } from "@/tensorflow/mod.ts";
import type { GeometricTransform } from "./geometric.ts";
import { drawEach, type Range, withProbability } from "./random_draws.ts";

/** Settings of {@linkcode opticalDistortion}. */
export interface OpticalDistortionOptions {
  /** Share of the images that are changed, in `[0, 1]`. */
  probability: number;
  /** From where the lens's coefficient is drawn: above 0 barrel, below 0 pincushion distortion. */
  range: Range;
}

/**
 * Distorts the image as a lens does: a pixel at the distance `r` from the centre, in image widths, is
 * taken from `r (1 + k r^2 + k r^4)`. This is OpenCV's camera model (`initUndistortRectifyMap`) with
 * both radial coefficients `k` and the focal length of one width, as in the `OpticalDistortion` of
 * Albumentations, but with the centre between the pixels in the middle, so that it commutes with flips.
 * Below -0.36 the corners of a square image would fold.
 */
export function opticalDistortion(
  { probability, range }: OpticalDistortionOptions,
): GeometricTransform {
  return ({ x, y }, random) => {
    const [batch, height, width] = x.shape;
    const k = withProbability(random, probability, drawEach(random, [batch, 1, 1], range), 0);
    const fromLeft = tf.sub(x, (width - 1) / 2), fromTop = tf.sub(y, (height - 1) / 2);
    // k r^2 + k r^4 from r in pixels: the factors of its powers are numbers, one a film.
    const squares = tf.add(tf.square(fromLeft), tf.square(tf.mul(fromTop, width / height)));
    const ofFourth = tf.div(k, width ** 4), ofSquare = tf.div(k, width ** 2);
    const stretch = tf.mul(squares, tf.add(ofSquare, tf.mul(squares, ofFourth)));
    return {
      x: tf.add(x, tf.mul(fromLeft, stretch)) as tf.Tensor3D,
      y: tf.add(y, tf.mul(fromTop, stretch)) as tf.Tensor3D,
    };
  };
}
