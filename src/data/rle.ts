/**
 * The competition's run-length encoding of a mask: pairs `gap length` separated by spaces. `gap`
 * counts the background pixels since the end of the previous run (since pixel 0 for the first),
 * and pixels are numbered down the columns: pixel `i` is row `i % height` of column
 * `floor(i / height)`. A mask without any pixel is written `-1`.
 */

/** Foreground pixels `start <= i < end`, numbered down the columns. */
interface Run {
  start: number;
  end: number;
}

const EMPTY = "-1";

/**
 * Encodes a mask. Unlike the encoder handed out with the competition, a run that reaches the last
 * pixel is kept.
 *
 * @param mask Row-major, `width * height` values; every value but 0 is foreground.
 * @param width Columns of the mask.
 * @param height Rows of the mask.
 * @returns Pairs `gap length`, or `-1` when no pixel is set.
 * @throws {RangeError} If the mask does not hold `width * height` values.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeRle, encodeRle } from "@/data/mod.ts";
 *
 * const mask = Uint8Array.of(0, 1, 0, 1); // rows 01 and 01
 * assertEquals(encodeRle(mask, 2, 2), "2 2");
 * assertEquals(decodeRle("2 2", 2, 2), mask);
 * ```
 */
export function encodeRle(mask: Uint8Array, width: number, height: number): string {
  checkSize(width, height, "encode a mask");
  if (mask.length !== width * height) {
    throw new RangeError(
      `Cannot encode a mask as it must hold ${width} x ${height} values: it holds ${mask.length}`,
    );
  }
  const numbers: number[] = [];
  let gap = 0;
  let length = 0;
  for (let x = 0; x < width; x++) {
    for (let i = x; i < mask.length; i += width) {
      if (mask[i] !== 0) {
        length++;
      } else if (length === 0) {
        gap++;
      } else {
        numbers.push(gap, length);
        gap = 1;
        length = 0;
      }
    }
  }
  if (length > 0) numbers.push(gap, length);
  return numbers.length === 0 ? EMPTY : numbers.join(" ");
}

/**
 * Decodes one row's text.
 *
 * @param text Pairs `gap length`, or `-1` for no mask; white space around is ignored.
 * @param width Columns of the mask.
 * @param height Rows of the mask.
 * @returns The mask, row-major, `width * height` values 0 or 1.
 * @throws {SyntaxError} If the text is empty, holds something that is not an integer, or an odd
 * count of numbers.
 * @throws {RangeError} If a gap is negative, a length is not positive, or a run passes the end.
 */
export function decodeRle(text: string, width: number, height: number): Uint8Array {
  return paint(parseRuns(text, width, height), width, height);
}

/**
 * The union of all rows of one image: an image with several separate or overlapping regions has one
 * row for each.
 *
 * @param rows The texts of the image's rows, at least one.
 * @param width Columns of the mask.
 * @param height Rows of the mask.
 * @returns The mask, row-major, `width * height` values 0 or 1.
 * @throws {RangeError} If there is no row, or if some rows say `-1` and others hold a mask.
 * @throws Whatever {@linkcode decodeRle} throws for one of the rows.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { uniteRles } from "@/data/mod.ts";
 *
 * assertEquals(uniteRles(["0 1", "0 2"], 2, 2), Uint8Array.of(1, 0, 1, 0));
 * ```
 */
export function uniteRles(rows: readonly string[], width: number, height: number): Uint8Array {
  return paint(uniteRuns(rows, width, height), width, height);
}

/**
 * How many pixels the union of an image's rows covers, without painting the mask.
 *
 * @param rows The texts of the image's rows, at least one.
 * @param width Columns of the mask.
 * @param height Rows of the mask.
 * @returns Pixels; 0 for a film without a mask.
 * @throws Whatever {@linkcode uniteRles} throws.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { rleArea } from "@/data/mod.ts";
 *
 * assertEquals(rleArea(["0 1", "0 2"], 2, 2), 2);
 * ```
 */
export function rleArea(rows: readonly string[], width: number, height: number): number {
  let area = 0;
  for (const run of uniteRuns(rows, width, height)) area += run.end - run.start;
  return area;
}

function uniteRuns(rows: readonly string[], width: number, height: number): Run[] {
  if (rows.length === 0) {
    throw new RangeError("Cannot unite masks as there is no row: an unlabelled film has no mask");
  }
  const parsed = rows.map((row) => parseRuns(row, width, height));
  const empty = parsed.filter((runs) => runs.length === 0).length;
  if (empty > 0 && empty < parsed.length) {
    throw new RangeError(
      `Cannot unite masks as ${empty} of ${rows.length} rows say ${EMPTY} and the others hold a mask`,
    );
  }
  const united: Run[] = [];
  for (const run of parsed.flat().sort((a, b) => a.start - b.start)) {
    const last = united.at(-1);
    if (last !== undefined && run.start <= last.end) last.end = Math.max(last.end, run.end);
    else united.push(run);
  }
  return united;
}

function parseRuns(text: string, width: number, height: number): Run[] {
  checkSize(width, height, "decode a mask");
  const trimmed = text.trim();
  if (trimmed === EMPTY) return [];
  if (trimmed === "") {
    throw new SyntaxError(`Cannot decode a mask as its text is empty: no mask is written ${EMPTY}`);
  }
  const words = trimmed.split(/\s+/);
  const numbers = words.map((word) => {
    if (!/^-?\d+$/.test(word)) {
      throw new SyntaxError(`Cannot decode a mask as each number must be an integer: "${word}"`);
    }
    return Number(word);
  });
  if (numbers.length % 2 !== 0) {
    throw new SyntaxError(
      `Cannot decode a mask as it must hold pairs of gap and length: it has ${numbers.length} numbers`,
    );
  }
  const runs: Run[] = [];
  let position = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    const gap = numbers[i]!;
    const length = numbers[i + 1]!;
    if (gap < 0) throw new RangeError(`Cannot decode a mask as a gap must be >= 0: ${gap}`);
    if (length < 1) {
      throw new RangeError(`Cannot decode a mask as a length must be >= 1: ${length}`);
    }
    const start = position + gap;
    position = start + length;
    if (position > width * height) {
      throw new RangeError(
        `Cannot decode a mask as a run ends past its ${width} x ${height} pixels: ${position}`,
      );
    }
    runs.push({ start, end: position });
  }
  return runs;
}

function paint(runs: readonly Run[], width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height);
  for (const run of runs) {
    let x = Math.floor(run.start / height);
    let y = run.start % height;
    for (let i = run.start; i < run.end; i++) {
      mask[y * width + x] = 1;
      if (++y === height) {
        y = 0;
        x++;
      }
    }
  }
  return mask;
}

function checkSize(width: number, height: number, purpose: string): void {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) {
    throw new RangeError(
      `Cannot ${purpose} as width and height must be positive integers: ${width} x ${height}`,
    );
  }
}
