import { checkLevel } from "./probabilities.ts";

/** Cells of equal width into which probabilities are sorted first; a power of 2, so that no edge is rounded. */
const CELLS = 1024;

/** How many pixels of one film exceed each of several levels. */
export interface LevelCounts {
  /** Pixels whose probability exceeds the level, for each level. */
  above: number[];
  /** Those of them that are annotated. */
  common: number[];
  /** All annotated pixels. */
  annotated: number;
}

/**
 * Counts the pixels above several levels in one pass over a film: each pixel falls between two levels,
 * and sums from the highest level down give the counts. A table of cells says where to begin to look.
 *
 * @param probabilities Values 0 to 1, any number of pixels.
 * @param truth As many values; every value but 0 is annotated.
 * @param levels In any order, each 0 to 1.
 * @throws {RangeError} If the lengths differ, a level is out of range, or a probability is not a number.
 */
export function countAboveLevels(
  probabilities: Float32Array,
  truth: Uint8Array,
  levels: readonly number[],
): LevelCounts {
  if (probabilities.length !== truth.length) {
    throw new RangeError(
      `Cannot compare a map with a mask as their lengths differ: ${probabilities.length}, ` +
        `${truth.length}`,
    );
  }
  for (const level of levels) checkLevel(level, "level");
  const rising = [...new Set(levels)].sort((a, b) => a - b);
  const firstPlace = placesOfCells(rising);
  const limits = Float64Array.of(...rising, Infinity);
  // Pixels by how many levels they exceed: those that are not annotated, and after each those that are.
  const counts = new Uint32Array(2 * (rising.length + 1));
  for (let i = 0; i < probabilities.length; i++) {
    const probability = probabilities[i]!;
    let place = 0;
    if (probability > 0) {
      place = firstPlace[probability < 1 ? (probability * CELLS) | 0 : CELLS]!;
      while (probability > limits[place]!) place++;
    } else if (Number.isNaN(probability)) {
      throw new RangeError(`Cannot threshold a map as it holds NaN, first at pixel ${i}`);
    }
    counts[2 * place + (truth[i] === 0 ? 0 : 1)]!++;
  }
  const above: number[] = [0], common: number[] = [0];
  for (let place = rising.length; place >= 0; place--) {
    const [others, annotated] = [counts[2 * place]!, counts[2 * place + 1]!];
    above.unshift(above[0]! + others + annotated);
    common.unshift(common[0]! + annotated);
  }
  // What exceeds a level has a place above the level's own; every pixel has one of at least 0.
  const placeOf = new Map(rising.map((level, i) => [level, i + 1]));
  return {
    above: levels.map((level) => above[placeOf.get(level)!]!),
    common: levels.map((level) => common[placeOf.get(level)!]!),
    annotated: common[0]!,
  };
}

/** How many of the rising levels lie below the lower edge of each cell, the last beginning at 1. */
function placesOfCells(rising: readonly number[]): Uint32Array {
  const places = new Uint32Array(CELLS + 1);
  let place = 0;
  for (let cell = 0; cell <= CELLS; cell++) {
    while (place < rising.length && rising[place]! < cell / CELLS) place++;
    places[cell] = place;
  }
  return places;
}

/** The dice coefficient of two masks, of which the pixels are counted; 1 if both are empty. */
export function diceOfCounts(common: number, predicted: number, annotated: number): number {
  return predicted + annotated === 0 ? 1 : (2 * common) / (predicted + annotated);
}
