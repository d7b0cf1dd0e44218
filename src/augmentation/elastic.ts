import { tf } from "@/tensorflow/mod.ts";
import type { GeometricTransform } from "./geometric.ts";
import { drawEach, type Range, withProbability } from "./random_draws.ts";

/** Settings of {@linkcode elastic}; lengths are parts of the image's width, so that they hold at any size. */
export interface ElasticOptions {
  /** Share of the images that are changed, in `[0, 1]`. */
  probability: number;
  /** From where the standard deviation of the displacement along each axis is drawn. */
  alpha: Range;
  /** Standard deviation of the Gaussian that smooths the displacement; above 0. */
  sigma: number;
}

/** Lattice points of noise in one standard deviation of the Gaussian. */
const POINTS_IN_SIGMA = 2;

/**
 * Moves each pixel by a smooth random displacement: noise, uniform in -1 to 1 and the same for no two
 * points, smoothed with a Gaussian and scaled (Simard, Steinkraus and Platt, "Best practices for
 * convolutional neural networks applied to visual document analysis", ICDAR 2003).
 *
 * The noise lies on a lattice of two points in each `sigma`, or on the pixels if these are wider apart.
 * A Gaussian leaves no wave that is too short for that lattice: the displacements' covariance is that of
 * noise on each pixel to 2e-4 of their variance, and a hundredth of the numbers is drawn.
 *
 * Simard's factor depends on `sigma` and on the size in pixels; here `alpha` is what comes of it, the
 * standard deviation of the displacement. With `alpha` below about half of `sigma` the image does not
 * fold. The displacement belongs to the pixels of the changed image: this must be the first transform.
 */
export function elastic({ probability, alpha, sigma }: ElasticOptions): GeometricTransform {
  return ({ x, y }, random) => {
    const [batch, height, width] = x.shape;
    const drawn = drawEach(random, [batch, 1, 1], alpha);
    const strength = withProbability(random, probability, drawn, 0);
    const across = latticeWeights(width, sigma * width);
    const down = latticeWeights(height, sigma * width);
    const noise = random.uniform([batch, 2, down.shape[1], across.shape[1]], -1, 1);
    // The noise's variance is 1/3; the weights keep it.
    const scale = tf.mul(strength, width * Math.sqrt(3));
    const displacement = (part: tf.Tensor): tf.Tensor => {
      const alongRows = tf.matMul(
        tf.reshape(tf.mul(part, scale), [batch * down.shape[1], across.shape[1]]),
        across,
        false,
        true,
      );
      const maps = tf.reshape(alongRows, [batch, down.shape[1], width]);
      return tf.matMul(tf.expandDims(down, 0), maps);
    };
    const [dx, dy] = tf.unstack(noise, 1).map(displacement);
    return { x: tf.add(x, dx!), y: tf.add(y, dy!) };
  };
}

/**
 * Weights by which noise on a lattice becomes a smooth curve along an axis: Gaussians over four
 * standard deviations to each side, as in `cv2.getGaussianKernel`. The squares of a pixel's weights add
 * up to 1, so that the curve has the noise's variance at each pixel.
 *
 * @param length Pixels.
 * @param sigma Standard deviation in pixels, above 0.
 * @returns `[length, points]`
 */
export function latticeWeights(length: number, sigma: number): tf.Tensor2D {
  const spacing = Math.max(1, sigma / POINTS_IN_SIGMA);
  const radius = Math.max(1, Math.floor((Math.round((8 * sigma) / spacing + 1) | 1) / 2));
  const points = Math.ceil((length - 1) / spacing) + 1 + 2 * radius;
  const weights = new Float32Array(length * points);
  for (let pixel = 0; pixel < length; pixel++) {
    const row = weights.subarray(pixel * points, (pixel + 1) * points);
    for (let point = 0; point < points; point++) {
      const distance = pixel / spacing - (point - radius);
      if (Math.abs(distance) > radius) continue;
      row[point] = Math.exp(-((distance * spacing) ** 2) / (2 * sigma ** 2));
    }
    const norm = Math.hypot(...row);
    for (let point = 0; point < points; point++) row[point]! /= norm;
  }
  return tf.tensor2d(weights, [length, points]);
}
