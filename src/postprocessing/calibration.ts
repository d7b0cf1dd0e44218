import type { Film } from "@/data/mod.ts";
import type { Prediction } from "./ensemble.ts";
import { withTruth } from "./score.ts";

/** Pixels whose probabilities are alike. */
export interface CalibrationBin {
  /** The bin's range of probabilities; it includes its lower end, the last one both. */
  from: number;
  to: number;
  pixels: number;
  /** Mean probability; NaN if there is no pixel. */
  predicted: number;
  /** Share of the pixels that are annotated; NaN if there is no pixel. */
  annotated: number;
}

/** How probabilities and frequencies agree. */
export interface CalibrationCurve {
  bins: CalibrationBin[];
  /**
   * Mean distance of probability and frequency over the pixels, from 0 (they agree) to 1: the expected
   * calibration error (Naeini, Cooper & Hauskrecht 2015).
   */
  error: number;
}

/**
 * Gathers how often pixels of each probability are annotated, film by film, in constant memory: of
 * those that the model gives 80 %, four of five should be.
 */
export class Calibration {
  readonly #pixels: Float64Array;
  readonly #predicted: Float64Array;
  readonly #annotated: Float64Array;

  /** @param bins How many bins of equal width, at least 1. Default: 10. */
  constructor(bins = 10) {
    if (!(Number.isInteger(bins) && bins > 0)) {
      throw new RangeError(`Cannot bin probabilities as the number of bins must be >= 1: ${bins}`);
    }
    [this.#pixels, this.#predicted, this.#annotated] = [1, 2, 3].map(() =>
      new Float64Array(bins)
    ) as [Float64Array, Float64Array, Float64Array];
  }

  /**
   * Adds one film.
   *
   * @param probabilities 0 to 1, any number of pixels.
   * @param truth As many values; every value but 0 is annotated.
   * @throws {RangeError} If the lengths differ, or a probability is out of range.
   */
  add(probabilities: Float32Array, truth: Uint8Array): void {
    if (probabilities.length !== truth.length) {
      throw new RangeError(
        `Cannot compare a map with a mask as their lengths differ: ${probabilities.length}, ` +
          `${truth.length}`,
      );
    }
    const bins = this.#pixels.length;
    for (let i = 0; i < truth.length; i++) {
      const probability = probabilities[i]!;
      if (!(probability >= 0 && probability <= 1)) {
        throw new RangeError(
          `Cannot bin a probability as it is not from 0 to 1: ${probability} at pixel ${i}`,
        );
      }
      const bin = Math.min(bins - 1, Math.floor(probability * bins));
      this.#pixels[bin]!++;
      this.#predicted[bin]! += probability;
      if (truth[i] !== 0) this.#annotated[bin]!++;
    }
  }

  /** What all films so far say. */
  values(): CalibrationCurve {
    const width = 1 / this.#pixels.length;
    const bins = Array.from(this.#pixels, (pixels, i): CalibrationBin => ({
      from: i * width,
      to: (i + 1) * width,
      pixels,
      predicted: this.#predicted[i]! / pixels,
      annotated: this.#annotated[i]! / pixels,
    }));
    const all = bins.reduce((sum, { pixels }) => sum + pixels, 0);
    const error = bins.reduce((sum, { pixels, predicted, annotated }) => {
      return pixels === 0 ? sum : sum + pixels / all * Math.abs(predicted - annotated);
    }, 0);
    return { bins, error };
  }
}

/**
 * The calibration of predictions at their size, over films with their annotations.
 *
 * @throws {RangeError} If a prediction is of a film that is not among those given.
 */
export async function calibrate(
  predictions: AsyncIterable<Prediction>,
  films: readonly Film[],
): Promise<CalibrationCurve> {
  const calibration = new Calibration();
  for await (const { probabilities, truth } of withTruth(predictions, films)) {
    calibration.add(probabilities, truth);
  }
  return calibration.values();
}
