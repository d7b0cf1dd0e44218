import { type Film, FILM_SIZE } from "./film.ts";
import { decodeRle, encodeRle, rleArea, uniteRles } from "./rle.ts";

/** What there is to know of annotations that come in pieces. */
export interface AnnotationSummary {
  /** Films with more than one row in the CSV. */
  several: number;
  /** Rows of the film with the most. */
  most: number;
  /** Films whose rows mark some pixels twice. */
  overlapping: number;
  /** Films whose mask is another one after encoding and decoding: none should be. */
  changed: number;
}

/** Looks at the rows of annotations, and encodes and decodes every mask. */
export function annotationSummary(films: readonly Film[]): AnnotationSummary {
  const positives = films.filter(({ positive }) => positive);
  const counts = positives.map(({ rows }) => rows.length);
  const marked = ({ rows }: Film) =>
    rows.reduce((sum, row) => sum + rleArea([row], FILM_SIZE, FILM_SIZE), 0);
  return {
    several: counts.filter((count) => count > 1).length,
    most: counts.reduce((most, count) => Math.max(most, count), 0),
    overlapping: positives.filter((film) => marked(film) > film.area).length,
    changed: positives.filter(({ rows }) => !survivesEncoding(rows)).length,
  };
}

function survivesEncoding(rows: readonly string[]): boolean {
  const mask = uniteRles(rows, FILM_SIZE, FILM_SIZE);
  const again = decodeRle(encodeRle(mask, FILM_SIZE, FILM_SIZE), FILM_SIZE, FILM_SIZE);
  return mask.every((value, i) => (value !== 0) === (again[i] !== 0));
}
