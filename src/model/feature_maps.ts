import { tf } from "@/tensorflow/mod.ts";
import { INFERENCE } from "./forward.ts";
import { normalizeImages } from "./input.ts";
import { type SegmentationModel, SIZE_MULTIPLE } from "./segmentation_model.ts";

/** Some channels of one of the encoder's feature maps, as pictures. */
export interface FeatureMapPicture {
  name: string;
  stride: number;
  /** Channels that the whole map has. */
  channels: number;
  /** Rows and columns. */
  size: number;
  /** Row-major, each channel stretched to 0..255. // [size * size] each */
  pictures: Uint8Array[];
}

/**
 * What the encoder makes of one film: those channels of each feature map that vary most.
 *
 * @param film Grey values 0 to 255, row-major, square; its side is a multiple of 32.
 * @param count How many channels of each map.
 * @throws {RangeError} If the film is not square, or its side is no multiple of 32.
 */
export function featureMaps(
  { encoder }: SegmentationModel,
  film: Uint8Array,
  count: number,
): FeatureMapPicture[] {
  const size = Math.sqrt(film.length);
  if (!(size > 0 && size % SIZE_MULTIPLE === 0)) {
    throw new RangeError(
      `Cannot compute feature maps as the film must be square, its side a multiple of ` +
        `${SIZE_MULTIPLE}: ${film.length} pixels`,
    );
  }
  const maps = tf.tidy(() => {
    const grey = tf.div(tf.tensor4d(Float32Array.from(film), [1, size, size, 1]), 255);
    const inputs = normalizeImages(grey as tf.Tensor4D);
    // Channels first, so that each lies in one piece.
    return encoder.apply(inputs, INFERENCE).map((map) =>
      tf.transpose(tf.squeeze(map, [0]), [2, 0, 1])
    );
  });
  const pictures = maps.map((map, i) => {
    const { name, stride, channels } = encoder.features[i]!;
    const [, side] = map.shape as [number, number, number];
    const values = map.dataSync();
    const planes = Array.from({ length: channels }, (_, channel) => {
      const plane = values.subarray(channel * side * side, (channel + 1) * side * side);
      return { plane, deviation: deviationOf(plane) };
    });
    planes.sort((a, b) => b.deviation - a.deviation);
    return {
      name,
      stride,
      channels,
      size: side,
      pictures: planes.slice(0, count).map(({ plane }) => stretch(plane)),
    };
  });
  tf.dispose(maps);
  return pictures;
}

function deviationOf(values: ArrayLike<number>): number {
  let sum = 0, squares = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i]!;
    squares += values[i]! ** 2;
  }
  return Math.sqrt(Math.max(0, squares / values.length - (sum / values.length) ** 2));
}

function stretch(values: Float32Array | Int32Array | Uint8Array): Uint8Array {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const scale = high > low ? 255 / (high - low) : 0;
  return Uint8Array.from(values, (value) => Math.round((value - low) * scale));
}
