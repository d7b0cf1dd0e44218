/**
 * Makes a square grey image smaller by the exact mean over each output pixel's area, as OpenCV's
 * `INTER_AREA` does. Halves are rounded up (OpenCV rounds them to even at factors other than 2, so
 * a value may differ by 1).
 *
 * @param pixels Row-major, `from * from` grey values 0 to 255.
 * @param from Rows and columns of the input.
 * @param to Rows and columns of the output, `1 <= to <= from`.
 * @param levels What each grey value is taken for, as `contrastTable` gives it. // [256]
 * @returns Row-major, `to * to` grey values.
 * @throws {RangeError} If the sizes do not fit.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { resizeArea } from "@/data/mod.ts";
 *
 * assertEquals(resizeArea(Uint8Array.of(0, 10, 20, 30), 2, 1), Uint8Array.of(15));
 * ```
 */
export function resizeArea(
  pixels: Uint8Array,
  from: number,
  to: number,
  levels: Uint8Array = SAME_LEVELS,
): Uint8Array {
  if (from === 2 * to) {
    checkSizes(pixels, from, to);
    return levels === SAME_LEVELS && from % 4 === 0 && pixels.byteOffset % 4 === 0
      ? halveWords(pixels, from)
      : halve(pixels, from, levels);
  }
  const shown = levels === SAME_LEVELS ? pixels : pixels.map((value) => levels[value]!);
  if (from === to) {
    checkSizes(pixels, from, to);
    return shown === pixels ? pixels.slice() : shown;
  }
  const { sums, area } = areaSums(shown, from, to);
  const half = area / 2;
  const resized = new Uint8Array(sums.length);
  for (let i = 0; i < sums.length; i++) resized[i] = Math.floor((sums[i]! + half) / area);
  return resized;
}

const SAME_LEVELS = Uint8Array.from({ length: 256 }, (_, value) => value);

/** The usual case by itself, as it is much faster: means of 2 x 2 pixels. */
function halve(pixels: Uint8Array, from: number, levels: Uint8Array): Uint8Array {
  // Two pixels of a row are one number, which says the sum of their levels.
  const sums = new Uint16Array(0x10000);
  for (let i = 0; i < sums.length; i++) sums[i] = levels[i >> 8]! + levels[i & 0xff]!;
  const aligned = pixels.byteOffset % 2 === 0 ? pixels : pixels.slice();
  const pairs = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length / 2);
  const pairsInRow = from / 2;
  const halved = new Uint8Array(pixels.length / 4);
  let target = 0;
  for (let upper = 0; upper < pairs.length; upper += 2 * pairsInRow) {
    for (let i = upper; i < upper + pairsInRow; i++) {
      halved[target++] = (sums[pairs[i]!]! + sums[pairs[i + pairsInRow]!]! + 2) >> 2;
    }
  }
  return halved;
}

/** As {@linkcode halve} without levels, in half of the time: four pixels of a row are one number. */
function halveWords(pixels: Uint8Array, from: number): Uint8Array {
  const words = new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.length / 4);
  const wordsInRow = from / 4;
  const halved = new Uint8Array(pixels.length / 4);
  let target = 0;
  for (let upper = 0; upper < words.length; upper += 2 * wordsInRow) {
    for (let i = upper; i < upper + wordsInRow; i++) {
      const above = words[i]!, below = words[i + wordsInRow]!;
      // Two sums of four pixels each, with room to carry, and two halves for rounding.
      const sums = (above & 0xff00ff) + ((above >>> 8) & 0xff00ff) +
        (below & 0xff00ff) + ((below >>> 8) & 0xff00ff) + 0x20002;
      halved[target++] = (sums >>> 2) & 0xff;
      halved[target++] = sums >>> 18;
    }
  }
  return halved;
}

/**
 * Makes a square mask smaller: a pixel is set if at least half of its area was. If that would leave
 * nothing of a mask that had pixels, those with the largest share are set, so that a positive film
 * stays positive at every size.
 *
 * @param mask Row-major, `from * from` values 0 or 1.
 * @param from Rows and columns of the input.
 * @param to Rows and columns of the output, `1 <= to <= from`.
 * @returns Row-major, `to * to` values 0 or 1.
 * @throws {RangeError} If the sizes do not fit.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { resizeMask } from "@/data/mod.ts";
 *
 * assertEquals(resizeMask(Uint8Array.of(1, 0, 0, 1), 2, 1), Uint8Array.of(1));
 * ```
 */
export function resizeMask(mask: Uint8Array, from: number, to: number): Uint8Array {
  if (from === to) {
    checkSizes(mask, from, to);
    return mask.slice();
  }
  const { sums, area } = areaSums(mask, from, to);
  let largest = 0;
  for (const sum of sums) if (sum > largest) largest = sum;
  const enough = Math.max(1, Math.min(area / 2, largest));
  const resized = new Uint8Array(sums.length);
  for (let i = 0; i < sums.length; i++) resized[i] = sums[i]! >= enough ? 1 : 0;
  return resized;
}

/**
 * Sums over each output pixel's area, in whole numbers: with coordinates multiplied by `to`, input
 * pixel `i` covers `[i * to, (i + 1) * to)` and output pixel `j` covers `[j * from, (j + 1) * from)`,
 * so every overlap is an integer and an output pixel's weights add up to `area = from * from`.
 * Where `to` divides `from`, all weights are equal and left out.
 */
function areaSums(
  values: Uint8Array,
  from: number,
  to: number,
): { sums: Uint32Array; area: number } {
  checkSizes(values, from, to);
  if (from % to === 0) return boxSums(values, from, to);
  const sums = new Uint32Array(to * to);
  const row = new Uint32Array(to);
  for (let y = 0; y < from; y++) {
    sumAlongRow(values.subarray(y * from, (y + 1) * from), row, from, to);
    const first = Math.floor((y * to) / from);
    const boundary = (first + 1) * from;
    const here = Math.min(boundary, (y + 1) * to) - y * to;
    const next = to - here;
    for (let x = 0; x < to; x++) sums[first * to + x]! += here * row[x]!;
    if (next > 0) {
      for (let x = 0; x < to; x++) sums[(first + 1) * to + x]! += next * row[x]!;
    }
  }
  return { sums, area: from * from };
}

function sumAlongRow(values: Uint8Array, row: Uint32Array, from: number, to: number): void {
  row.fill(0);
  let target = 0;
  let room = from;
  for (let x = 0; x < from; x++) {
    const value = values[x]!;
    if (room > to) {
      row[target]! += to * value;
      room -= to;
    } else {
      row[target]! += room * value;
      target++;
      if (target < to) row[target]! += (to - room) * value;
      room += from - to;
    }
  }
}

function boxSums(
  values: Uint8Array,
  from: number,
  to: number,
): { sums: Uint32Array; area: number } {
  const factor = from / to;
  const sums = new Uint32Array(to * to);
  for (let y = 0; y < from; y++) {
    const target = Math.floor(y / factor) * to;
    let source = y * from;
    for (let x = 0; x < to; x++) {
      let sum = 0;
      for (let i = 0; i < factor; i++) sum += values[source++]!;
      sums[target + x]! += sum;
    }
  }
  return { sums, area: factor * factor };
}

function checkSizes(values: Uint8Array, from: number, to: number): void {
  if (!(Number.isInteger(from) && Number.isInteger(to) && to >= 1 && to <= from)) {
    throw new RangeError(
      `Cannot make an image smaller as sizes must be integers 1 <= to <= from: ${from} to ${to}`,
    );
  }
  if (values.length !== from * from) {
    throw new RangeError(
      `Cannot make an image smaller as it must hold ${from} x ${from} values: ${values.length}`,
    );
  }
}
