import { type StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { drawEach, type Range, withProbability } from "./random_draws.ts";
import type { SamplingGrid } from "./sampling_grid.ts";

/** A change of the sampling grid, drawn for each image. */
export type GeometricTransform = (grid: SamplingGrid, random: StatelessRandom) => SamplingGrid;

/** Mirrors left and right. */
export function horizontalFlip({ probability }: { probability: number }): GeometricTransform {
  return ({ x, y }, random) => {
    const [batch, , width] = x.shape;
    const flip = withProbability(random, probability, tf.ones([batch, 1, 1]), 0);
    const sign = tf.sub(1, tf.mul(flip, 2));
    return { x: tf.add(tf.mul(x, sign), tf.mul(flip, width - 1)), y };
  };
}

/**
 * Cuts out a window of the image at random and scales it to the full size.
 *
 * @param options.zoom Side of the window as a share of the image's, in `(0, 1]`.
 */
export function crop(
  { probability, zoom }: { probability: number; zoom: Range },
): GeometricTransform {
  return ({ x, y }, random) => {
    const [batch, height, width] = x.shape;
    const shape = [batch, 1, 1];
    const share = withProbability(random, probability, drawEach(random, shape, zoom), 1);
    const slack = tf.sub(1, share);
    const left = tf.mul(random.uniform(shape), slack), top = tf.mul(random.uniform(shape), slack);
    // Pixel centres lie half a pixel inside: the window's edge maps to the image's edge.
    const into = (coordinate: tf.Tensor3D, start: tf.Tensor, length: number): tf.Tensor3D => {
      const offset = tf.sub(tf.add(tf.mul(start, length), tf.mul(share, 0.5)), 0.5);
      return tf.add(tf.mul(coordinate, share), offset);
    };
    return { x: into(x, left, width), y: into(y, top, height) };
  };
}
