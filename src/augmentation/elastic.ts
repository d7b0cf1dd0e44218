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

/**
 * Moves each pixel by a smooth random displacement: noise, uniform in -1 to 1 and the same for no two
 * pixels, smoothed with a Gaussian and scaled (Simard, Steinkraus and Platt, "Best practices for
 * convolutional neural networks applied to visual document analysis", ICDAR 2003).
 *
 * Simard's factor depends on `sigma` and on the size in pixels; here `alpha` is what comes of it, the
 * standard deviation of the displacement. With `alpha` below about half of `sigma` the image does not
 * fold. The displacement belongs to the pixels of the changed image: this must be the first transform.
 */
export function elastic({ probability, alpha, sigma }: ElasticOptions): GeometricTransform {
  return ({ x, y }, random) => {
    const [batch, height, width] = x.shape;
    const strength = withProbability(
      random,
      probability,
      drawEach(random, [batch, 1, 1], alpha),
      0,
    );
    const kernel = gaussianKernel(sigma * width);
    const margin = kernel.length - 1;
    const large = [height + margin, width + margin] as const;
    const noise = random.uniform([batch, 2, ...large], -1, 1);
    // The noise's variance is 1/3; smoothing multiplies it by the sum of the squared weights.
    const power = kernel.reduce((sum, weight) => sum + weight ** 2, 0);
    const scale = tf.mul(strength, width * Math.sqrt(3) / power);
    const smoothed = smooth(tf.reshape(noise, [2 * batch, ...large]), kernel);
    const [dx, dy] = tf.unstack(tf.reshape(smoothed, [batch, 2, height, width]), 1);
    return { x: tf.add(x, tf.mul(scale, dx!)), y: tf.add(y, tf.mul(scale, dy!)) };
  };
}

/**
 * Weights of a Gaussian that add up to 1, over four standard deviations to each side, as
 * `cv2.getGaussianKernel` gives them for floats.
 *
 * @param sigma Standard deviation in pixels, above 0.
 */
export function gaussianKernel(sigma: number): number[] {
  const radius = Math.max(1, Math.floor((Math.round(8 * sigma + 1) | 1) / 2));
  const weights = Array.from(
    { length: 2 * radius + 1 },
    (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  const sum = weights.reduce((total, weight) => total + weight);
  return weights.map((weight) => weight / sum);
}

/**
 * Smooths maps along both axes; only places where the whole kernel lies inside are kept.
 *
 * @param maps `[count, height + kernel.length - 1, width + kernel.length - 1]`
 * @returns `[count, height, width]`
 */
export function smooth(maps: tf.Tensor3D, kernel: readonly number[]): tf.Tensor3D {
  return tf.tidy(() => {
    const alongRows = smoothLastAxis(maps, kernel);
    const alongColumns = smoothLastAxis(tf.transpose(alongRows, [0, 2, 1]), kernel);
    return tf.transpose(alongColumns, [0, 2, 1]);
  });
}

/** As a product with a band matrix: for wide kernels faster than a convolution of one channel. */
function smoothLastAxis(maps: tf.Tensor3D, kernel: readonly number[]): tf.Tensor3D {
  const [count, rows, columns] = maps.shape;
  const kept = columns - kernel.length + 1;
  const band = new Float32Array(columns * kept);
  for (let column = 0; column < kept; column++) {
    for (const [i, weight] of kernel.entries()) band[(column + i) * kept + column] = weight;
  }
  const product = tf.matMul(
    tf.reshape(maps, [count * rows, columns]),
    tf.tensor2d(band, [columns, kept]),
  );
  return tf.reshape(product, [count, rows, kept]);
}
