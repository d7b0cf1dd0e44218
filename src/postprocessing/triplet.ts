import { dice } from "./overlap.ts";
import { checkLevel, threshold } from "./probabilities.ts";

/**
 * When a film counts as positive, and which of its pixels then count: the rule of the competition's
 * first rank (`top` 0.75, `area` 2000 at 1024 x 1024, `bottom` 0.3).
 */
export interface Triplet {
  /** Probability that certain pixels must exceed, 0 to 1. */
  top: number;
  /** How many certain pixels make a film positive; in pixels of the map at hand. */
  area: number;
  /** Probability that a positive film's pixels must exceed, 0 to 1. */
  bottom: number;
}

/** The values that a search tries. */
export interface TripletGrid {
  tops: readonly number[];
  areas: readonly number[];
  bottoms: readonly number[];
}

/**
 * The mask of a film: empty unless at least `area` pixels exceed `top`, else every pixel that
 * exceeds `bottom`.
 *
 * @param probabilities Values 0 to 1, any number of pixels.
 * @param triplet The rule; `bottom` must not be greater than `top`.
 * @returns As many values, 0 or 1.
 * @throws {RangeError} If the rule's values are out of range, or a probability is not a number.
 */
export function tripletRule(probabilities: Float32Array, triplet: Triplet): Uint8Array {
  checkTriplet(triplet);
  const mask = threshold(probabilities, triplet.bottom);
  return countAbove(probabilities, triplet.top) >= triplet.area ? mask : mask.fill(0);
}

/**
 * The triplet of a grid with the highest mean dice over films. Of equal ones the first is taken, in
 * the order of `tops`, then `areas`, then `bottoms`; pairs with `bottom > top` are left out.
 *
 * @param predictions One map of probabilities a film.
 * @param truths One mask a film, of the same length as its map.
 * @param grid The values to try.
 * @returns The triplet and its mean dice, 0 to 1, on these films (optimistic for others).
 * @throws {RangeError} If there is no film, counts differ, a value is out of range, or the grid
 * holds no triplet.
 */
export function searchTriplet(
  predictions: readonly Float32Array[],
  truths: readonly Uint8Array[],
  grid: TripletGrid,
): { triplet: Triplet; dice: number } {
  if (predictions.length === 0 || predictions.length !== truths.length) {
    throw new RangeError(
      `Cannot search a triplet as each film needs a map and a mask: ${predictions.length} maps, ` +
        `${truths.length} masks`,
    );
  }
  // A film's dice depends on `bottom` only, or is that of an empty mask: no need to try each triplet.
  const films = predictions.map((probabilities, i) => ({
    certain: grid.tops.map((top) => countAbove(probabilities, top)),
    positive: grid.bottoms.map((bottom) => dice(threshold(probabilities, bottom), truths[i]!)),
    negative: truths[i]!.some((value) => value !== 0) ? 0 : 1,
  }));
  let best: { triplet: Triplet; dice: number } | undefined;
  for (const [t, top] of grid.tops.entries()) {
    for (const area of grid.areas) {
      for (const [b, bottom] of grid.bottoms.entries()) {
        if (bottom > top) continue;
        const triplet = { top, area, bottom };
        checkTriplet(triplet);
        let sum = 0;
        for (const film of films) {
          sum += film.certain[t]! >= area ? film.positive[b]! : film.negative;
        }
        const mean = sum / films.length;
        if (best === undefined || mean > best.dice) best = { triplet, dice: mean };
      }
    }
  }
  if (best === undefined) {
    throw new RangeError("Cannot search a triplet as the grid holds none with bottom <= top");
  }
  return best;
}

function checkTriplet({ top, area, bottom }: Triplet): void {
  checkLevel(top, "top");
  checkLevel(bottom, "bottom");
  if (bottom > top) {
    throw new RangeError(
      `Cannot apply a triplet as bottom must not be greater than top: ${bottom} > ${top}`,
    );
  }
  if (!(area >= 0)) {
    throw new RangeError(`Cannot apply a triplet as area must be >= 0 pixels: ${area}`);
  }
}

function countAbove(probabilities: Float32Array, level: number): number {
  let count = 0;
  for (let i = 0; i < probabilities.length; i++) if (probabilities[i]! > level) count++;
  return count;
}
