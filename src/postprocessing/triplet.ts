import { countAboveLevels, diceOfCounts } from "./level_counts.ts";
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

/** What a search keeps of one film: the dice of each mask that the grid's rules can give it. */
interface FilmDice {
  /** Pixels above each of the grid's tops. */
  certain: number[];
  /** Dice of the pixels above each of the grid's bottoms. */
  positive: number[];
  /** Dice of the empty mask. */
  negative: number;
}

/**
 * Searches the best triplet of a grid while predictions come: of each film it keeps a few numbers, not
 * the map. One pass over a map serves all triplets.
 *
 * @example
 * ```ts ignore
 * const search = new TripletSearch({ tops: [0.7, 0.8], areas: [1000, 2000], bottoms: [0.3, 0.5] });
 * for await (const { probabilities, truth } of films) search.add(probabilities, truth);
 * const { triplet, dice } = search.best();
 * ```
 */
export class TripletSearch {
  readonly #grid: TripletGrid;
  readonly #films: FilmDice[] = [];

  /** @throws {RangeError} If a value is out of range, or the grid holds no triplet. */
  constructor(grid: TripletGrid) {
    this.#grid = grid;
    const triplets = [...tripletsOf(grid)];
    if (triplets.length === 0) {
      throw new RangeError("Cannot search a triplet as the grid holds none with bottom <= top");
    }
    for (const { triplet } of triplets) checkTriplet(triplet);
  }

  /**
   * Adds a film.
   *
   * @param probabilities Values 0 to 1, any number of pixels.
   * @param truth As many values; every value but 0 is annotated.
   * @throws {RangeError} If the lengths differ, or a probability is not a number.
   */
  add(probabilities: Float32Array, truth: Uint8Array): void {
    const { tops, bottoms } = this.#grid;
    const { above, common, annotated } = countAboveLevels(probabilities, truth, [
      ...tops,
      ...bottoms,
    ]);
    this.#films.push({
      certain: above.slice(0, tops.length),
      positive: bottoms.map((_, b) => {
        return diceOfCounts(common[tops.length + b]!, above[tops.length + b]!, annotated);
      }),
      negative: diceOfCounts(0, 0, annotated),
    });
  }

  /**
   * The triplet with the highest mean dice. Of equal ones the first is taken, in the order of `tops`,
   * then `areas`, then `bottoms`; pairs with `bottom > top` are left out.
   *
   * @returns The triplet and its mean dice, 0 to 1, on these films (optimistic for others).
   * @throws {RangeError} If there is no film.
   */
  best(): { triplet: Triplet; dice: number } {
    if (this.#films.length === 0) {
      throw new RangeError("Cannot search a triplet as there is no film");
    }
    let best: { triplet: Triplet; dice: number } | undefined;
    for (const { triplet, t, b } of tripletsOf(this.#grid)) {
      let sum = 0;
      for (const film of this.#films) {
        sum += film.certain[t]! >= triplet.area ? film.positive[b]! : film.negative;
      }
      const mean = sum / this.#films.length;
      if (best === undefined || mean > best.dice) best = { triplet, dice: mean };
    }
    return best!;
  }
}

/**
 * The triplet of a grid with the highest mean dice over films, see {@linkcode TripletSearch}, which
 * takes films one at a time.
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
  const search = new TripletSearch(grid);
  for (const [i, probabilities] of predictions.entries()) search.add(probabilities, truths[i]!);
  return search.best();
}

/** The triplets of a grid, and where their `top` and `bottom` stand in it. */
function* tripletsOf({ tops, areas, bottoms }: TripletGrid) {
  for (const [t, top] of tops.entries()) {
    for (const area of areas) {
      for (const [b, bottom] of bottoms.entries()) {
        if (!(bottom > top)) yield { triplet: { top, area, bottom }, t, b };
      }
    }
  }
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
