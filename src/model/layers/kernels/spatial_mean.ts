import { rawOp, tf } from "@/tensorflow/mod.ts";
import { FLOAT, register, run } from "./register.ts";

const SPATIAL_MEAN = "project/SpatialMean";
/** Rows and columns. */
const AXES = [1, 2];
register(
  SPATIAL_MEAN,
  ({ x }) => [rawOp("Identity", [x!], FLOAT)[0]!, tf.mean(x as tf.Tensor, AXES, true)],
  {
    gradFunc: (dys, _saved, _attributes) => {
      const [dx, dmean] = dys as tf.Tensor[] as [tf.Tensor, tf.Tensor];
      const [, height, width] = dx.shape as [number, number, number];
      return { x: () => tf.add(dx, tf.div(dmean, height * width)) };
    },
  },
);

/**
 * A map and its mean over all pixels. Use this `x` beside the mean: their gradients then come together in
 * one pass over the map.
 *
 * @param x `[batch, height, width, channels]`
 * @returns `x`, and `[batch, 1, 1, channels]`.
 */
export function withSpatialMean(x: tf.Tensor4D): [x: tf.Tensor4D, mean: tf.Tensor4D] {
  return run(SPATIAL_MEAN, { x });
}
