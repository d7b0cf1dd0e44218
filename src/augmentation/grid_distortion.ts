import { tf } from "@/tensorflow/mod.ts";
import type { GeometricTransform } from "./geometric.ts";
import { drawEach, type Range, withProbability } from "./random_draws.ts";
import { clip } from "./sampling_grid.ts";

/** Settings of {@linkcode gridDistortion}. */
export interface GridDistortionOptions {
  /** Share of the images that are changed, in `[0, 1]`. */
  probability: number;
  /** From where the limit is drawn by which a column or row of cells is stretched or shrunk, 0 to 1. */
  range: Range;
  /** Cells along each axis. */
  steps: number;
}

/**
 * Cuts the image into cells and changes the widths of their columns and the heights of their rows, as
 * the `GridDistortion` of Albumentations with `normalized`: the image's border stays where it is.
 */
export function gridDistortion(
  { probability, range, steps }: GridDistortionOptions,
): GeometricTransform {
  return ({ x, y }, random) => {
    const [batch, height, width] = x.shape;
    const limit = withProbability(random, probability, drawEach(random, [batch, 1, 1], range), 0);
    const draw = () => tf.add(1, tf.mul(limit, random.uniform([batch, 1, steps], -1, 1)));
    const widths = draw(), heights = draw();
    return { x: stretchCells(x, widths, width), y: stretchCells(y, heights, height) };
  };
}

/**
 * Maps places along one axis through cells of equal size to cells of the given sizes.
 *
 * @param places Pixels; 0 is the centre of the first. // [batch, height, width]
 * @param sizes Of the cells where the pixels are taken from, up to a factor. // [batch, 1, steps]
 * @param length Pixels along the axis.
 */
function stretchCells(places: tf.Tensor3D, sizes: tf.Tensor, length: number): tf.Tensor3D {
  const steps = sizes.shape[2]!;
  const cell = length / steps;
  // As shares of the mean they are 1 where nothing is stretched, so that nothing then changes.
  const shares = tf.div(tf.mul(sizes, steps), tf.sum(sizes, 2, true));
  const excesses = tf.split(tf.sub(shares, 1), steps, 2);
  // What each cell before a place, and its own up to there, add to it.
  const edge = (i: number) => i * cell - 0.5;
  const reached = excesses.map((excess, i) => tf.mul(excess, clip(places, edge(i), edge(i + 1))));
  const starts = tf.addN(excesses.map((excess, i) => tf.mul(excess, edge(i))));
  return tf.sub(tf.addN([places, ...reached]), starts) as tf.Tensor3D;
}
