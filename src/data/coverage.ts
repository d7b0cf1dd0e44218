import { type Film, FILM_SIZE } from "./film.ts";
import { uniteRles } from "./rle.ts";

/**
 * How often each part of the film is annotated: the mean of the films' masks, in square cells.
 *
 * @param films At least one.
 * @param cells Rows and columns of the result; divides 1024.
 * @returns Share of the films, 0 to 1, row-major. // [cells * cells]
 * @throws {RangeError} If there is no film, or 1024 is no multiple of `cells`.
 */
export function maskCoverage(films: readonly Pick<Film, "rows">[], cells: number): Float32Array {
  if (films.length === 0) throw new RangeError("Cannot average masks as there is no film");
  if (!(Number.isInteger(cells) && cells > 0 && FILM_SIZE % cells === 0)) {
    throw new RangeError(`Cannot average masks as cells must divide ${FILM_SIZE}: ${cells}`);
  }
  const side = FILM_SIZE / cells;
  // Pixels are counted first: a sum of that many small shares would be off by its rounding.
  const counts = new Float64Array(cells * cells);
  for (const { rows } of films) {
    const mask = uniteRles(rows, FILM_SIZE, FILM_SIZE);
    for (let y = 0; y < FILM_SIZE; y++) {
      const cellRow = Math.floor(y / side) * cells;
      for (let x = 0; x < FILM_SIZE; x++) {
        if (mask[y * FILM_SIZE + x] !== 0) counts[cellRow + Math.floor(x / side)]!++;
      }
    }
  }
  return Float32Array.from(counts, (count) => count / (films.length * side * side));
}
