import type { tf } from "@/tensorflow/mod.ts";
import type { Encoder } from "../encoders/mod.ts";

/** Whether an encoder has a feature map of a stride. */
export function hasStride(encoder: Encoder, stride: number): boolean {
  return encoder.features.some((feature) => feature.stride === stride);
}

/**
 * Channels of an encoder's feature map.
 *
 * @throws {RangeError} If it has none of that stride.
 */
export function channelsAt(encoder: Encoder, stride: number): number {
  return encoder.features[indexOf(encoder, stride)]!.channels;
}

/**
 * The feature map of a stride among those that the encoder has made.
 *
 * @throws {RangeError} If it has none of that stride.
 */
export function mapAt(
  encoder: Encoder,
  features: readonly tf.Tensor4D[],
  stride: number,
): tf.Tensor4D {
  return features[indexOf(encoder, stride)]!;
}

function indexOf(encoder: Encoder, stride: number): number {
  const index = encoder.features.findIndex((feature) => feature.stride === stride);
  if (index >= 0) return index;
  throw new RangeError(
    `Cannot build the decoder as the encoder ${encoder.name} has no feature map of stride ${stride}`,
  );
}
