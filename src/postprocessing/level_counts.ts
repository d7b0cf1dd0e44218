import { checkLevel } from "./probabilities.ts";

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
 * and sums from the highest level down give the counts.
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
  const above = new Float64Array(rising.length + 1);
  const common = new Float64Array(rising.length + 1);
  const lowest = rising[0] ?? 1;
  let annotated = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const probability = probabilities[i]!;
    const isAnnotated = truth[i] === 0 ? 0 : 1;
    annotated += isAnnotated;
    if (probability > lowest) {
      let place = 1;
      while (place < rising.length && probability > rising[place]!) place++;
      above[place]!++;
      common[place]! += isAnnotated;
    } else if (Number.isNaN(probability)) {
      throw new RangeError(`Cannot threshold a map as it holds NaN, first at pixel ${i}`);
    }
  }
  for (let place = rising.length - 1; place > 0; place--) {
    above[place]! += above[place + 1]!;
    common[place]! += common[place + 1]!;
  }
  const placeOf = new Map(rising.map((level, i) => [level, i + 1]));
  return {
    above: levels.map((level) => above[placeOf.get(level)!]!),
    common: levels.map((level) => common[placeOf.get(level)!]!),
    annotated,
  };
}

/** The dice coefficient of two masks, of which the pixels are counted; 1 if both are empty. */
export function diceOfCounts(common: number, predicted: number, annotated: number): number {
  return predicted + annotated === 0 ? 1 : (2 * common) / (predicted + annotated);
}
