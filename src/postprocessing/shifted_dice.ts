import { type Film, FILM_SIZE, uniteRles } from "@/data/mod.ts";
import { dice, iou } from "./overlap.ts";

/** How well an annotation agrees with itself, moved aside. */
export interface ShiftedDice {
  film: Film;
  /** Pixels at 1024 x 1024. */
  shift: number;
  dice: number;
  iou: number;
}

/**
 * A mask moved to the right; what leaves the image is lost.
 *
 * @param mask Row-major. // [size * size]
 * @param columns From 0 to the size.
 * @throws {RangeError} If the columns are not a whole number in that range, or the mask is not square.
 */
export function shiftMask(mask: Uint8Array, columns: number): Uint8Array {
  const size = Math.sqrt(mask.length);
  if (!Number.isInteger(size)) {
    throw new RangeError(`Cannot move a mask as it is not square: ${mask.length} pixels`);
  }
  if (!(Number.isInteger(columns) && columns >= 0 && columns <= size)) {
    throw new RangeError(`Cannot move a mask as columns must be from 0 to ${size}: ${columns}`);
  }
  const moved = new Uint8Array(mask.length);
  for (let row = 0; row < size; row++) {
    const start = row * size;
    moved.set(mask.subarray(start, start + size - columns), start + columns);
  }
  return moved;
}

/**
 * The overlap of each annotation with itself, moved aside by several distances: what a small error of
 * the place costs masks of different sizes.
 *
 * @param shifts Pixels at 1024 x 1024.
 */
export function shiftedDice(films: readonly Film[], shifts: readonly number[]): ShiftedDice[] {
  return films.flatMap((film) => {
    const truth = uniteRles(film.rows, FILM_SIZE, FILM_SIZE);
    return shifts.map((shift) => {
      const moved = shiftMask(truth, shift);
      return { film, shift, dice: dice(moved, truth), iou: iou(moved, truth) };
    });
  });
}
