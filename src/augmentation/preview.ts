import { StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { type Augmentation, augmentation, type AugmentationOptions } from "./augment.ts";

/** One film, changed once. */
export interface AugmentedFilm {
  /** Grey values 0 to 255, row-major. // [size * size] */
  grey: Uint8Array;
  /** 0 or 1, row-major. // [size * size] */
  truth: Uint8Array;
}

/**
 * Augments the same film several times, to be looked at.
 *
 * @param film Grey values 0 to 255 and its mask, square, row-major.
 * @param count How many times.
 */
export function previewAugmentation(
  film: { grey: Uint8Array; truth: Uint8Array },
  augment: Augmentation,
  { count, seed }: { count: number; seed: number },
): AugmentedFilm[] {
  const size = Math.sqrt(film.grey.length);
  const area = size * size;
  const { grey, truth } = tf.tidy(() => {
    const copies = (pixels: Float32Array) =>
      tf.tile(tf.tensor4d(pixels, [1, size, size, 1]), [count, 1, 1, 1]) as tf.Tensor4D;
    const images = copies(Float32Array.from(film.grey, (value) => value / 255));
    const masks = copies(Float32Array.from(film.truth, (value) => value > 0 ? 1 : 0));
    const random = new StatelessRandom(tf.tensor1d([seed, 0], "int32"));
    const changed = augment({ images, masks }, random);
    return { grey: changed.images, truth: changed.masks };
  });
  const values = { grey: grey.dataSync(), truth: truth.dataSync() };
  tf.dispose([grey, truth]);
  return Array.from({ length: count }, (_, i) => {
    const place = [i * area, (i + 1) * area] as const;
    return {
      grey: Uint8Array.from(values.grey.subarray(...place), (value) => Math.round(255 * value)),
      truth: Uint8Array.from(values.truth.subarray(...place)),
    };
  });
}

/** A film that one augmentation changed. */
export interface NamedFilm extends AugmentedFilm {
  /** The augmentation, as an experiment names it, for example "elastic"; "film" for the film itself. */
  name: string;
}

/**
 * Shows each augmentation of an experiment by itself: the film as it is, then changed by each one,
 * whatever its probability.
 *
 * @param film Grey values 0 to 255 and its mask, square, row-major.
 * @param options An experiment's `augmentation`.
 * @param seed The same seed draws the same strengths.
 */
export function previewEach(
  film: { grey: Uint8Array; truth: Uint8Array },
  options: AugmentationOptions,
  seed: number,
): NamedFilm[] {
  const changed = Object.entries(options).map(([name, settings]) => {
    const augment = augmentation({ [name]: { ...settings, probability: 1 } });
    return { name, ...previewAugmentation(film, augment, { count: 1, seed })[0]! };
  });
  const truth = Uint8Array.from(film.truth, (value) => value > 0 ? 1 : 0);
  return [{ name: "film", grey: film.grey.slice(), truth }, ...changed];
}
