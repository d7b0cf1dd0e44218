import type { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import type { Weights } from "../weights.ts";
import type { ChannelAffine } from "./channel_affine.ts";
import { BatchNorm } from "./batch_norm.ts";
import { FrozenBatchNorm } from "./frozen_batch_norm.ts";
import { GroupNorm } from "./group_norm.ts";

/** The normalizations by name. */
export const NORMALIZATIONS = ["batch", "frozen-batch", "group"] as const;

/** How activations are normalised, see the classes. */
export type NormalizationName = (typeof NORMALIZATIONS)[number];

/** A layer that normalises `[batch, height, width, channels]`. */
export interface Normalization {
  apply(x: tf.Tensor4D, forward: Forward): tf.Tensor4D;
  /** What it does in inference, if that is the same to each pixel; GroupNorm's depends on the image. */
  affine?(): ChannelAffine;
}

/** What a normalization needs beside its name. */
export interface NormalizationOptions {
  /** Default: "batch". */
  normalization?: NormalizationName;
  /** Share of BatchNorm's old statistics that a step keeps. */
  batchNormMomentum: number;
  /** Added to BatchNorm's variance. Default: 1e-3. */
  epsilon?: number;
}

/**
 * Makes the normalization that a model is built with.
 *
 * @param name Of the layer; `batch` and `frozen-batch` have the same weights under it.
 */
export function createNormalization(
  weights: Weights,
  name: string,
  channels: number,
  { normalization = "batch", batchNormMomentum, epsilon }: NormalizationOptions,
): Normalization {
  switch (normalization) {
    case "batch":
      return new BatchNorm(weights, name, channels, batchNormMomentum, epsilon);
    case "frozen-batch":
      return new FrozenBatchNorm(weights, name, channels, epsilon);
    case "group":
      return new GroupNorm(weights, name, channels);
  }
}
