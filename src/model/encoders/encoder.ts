import type { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";

/** What a decoder may rely on. */
export interface FeatureMap {
  /** Input pixels for each pixel of the map, along one side. */
  stride: number;
  channels: number;
  /** Where in the network it is taken, in the names of Keras. */
  name: string;
}

/** A network that turns images into feature maps at several strides. */
export interface Encoder {
  readonly name: string;
  /** The maps that {@linkcode apply} returns, from fine to coarse. */
  readonly features: readonly FeatureMap[];
  /** `[batch, height, width, 3]` to one `[batch, height / stride, width / stride, channels]` each. */
  apply(images: tf.Tensor4D, forward: Forward): tf.Tensor4D[];
}
