import { type StatelessRandom, tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import { dropJoined, type Kept } from "./kernels/mod.ts";

/** A map `[batch, height, width, channels]`, or maps to be joined along the channels. */
export type Maps = tf.Tensor4D | readonly tf.Tensor4D[];

/** One map of them. */
export function join(x: Maps): tf.Tensor4D {
  if (x instanceof tf.Tensor) return x;
  return x.length === 1 ? x[0]! : tf.concat([...x], -1);
}

/**
 * Sets a share of the elements to zero while training and scales the others up, so that the expected
 * value stays (Srivastava et al. 2014).
 *
 * @param x `[batch, height, width, channels]`
 * @param rate Share of the elements, in `[0, 1)`.
 */
export function dropout(x: tf.Tensor4D, rate: number, forward: Forward): tf.Tensor4D {
  return dropAtRate(x, rate, forward, x.shape);
}

/**
 * Sets whole images of a batch to zero: where `x` is the residual branch, that skips the block for
 * them (stochastic depth; Huang et al. 2016. EfficientNet calls it drop connect).
 */
export function stochasticDepth(x: tf.Tensor4D, rate: number, forward: Forward): tf.Tensor4D {
  return dropAtRate(x, rate, forward, [x.shape[0], 1, 1, 1]);
}

/**
 * {@linkcode dropout} without scaling up.
 *
 * @returns The elements that are left, and what to multiply them by.
 */
export function unscaledDropout(
  x: Maps,
  rate: number,
  forward: Forward,
): [x: tf.Tensor4D, scale: number] {
  checkRate(rate);
  if (!forward.training || rate === 0) return [join(x), 1];
  const parts = x instanceof tf.Tensor ? [x] : x;
  const channels = parts.reduce((sum, { shape }) => sum + shape[3], 0);
  const shape = [...parts[0]!.shape.slice(0, 3), channels];
  return [dropJoined(parts, choose(shape, rate, forward.random), 1), 1 / (1 - rate)];
}

function dropAtRate(x: tf.Tensor4D, rate: number, forward: Forward, shape: number[]): tf.Tensor4D {
  checkRate(rate);
  if (!forward.training || rate === 0) return x;
  return dropJoined([x], choose(shape, rate, forward.random), 1 / (1 - rate));
}

/** From so many elements of an image on, drawing a mask and keeping it costs more than drawing it twice. */
const LARGE_IMAGE = 2 ** 20;

function choose(shape: number[], rate: number, random: StatelessRandom): Kept {
  const [rows, ...image] = shape as [number, ...number[]];
  if (tf.util.sizeFromShape(image) < LARGE_IMAGE) return { mask: random.kept(shape, rate) };
  return { keys: random.keys(rows), rate };
}

function checkRate(rate: number): void {
  if (rate >= 0 && rate < 1) return;
  throw new RangeError(`Cannot drop elements as the rate must be in [0, 1): ${rate}`);
}
