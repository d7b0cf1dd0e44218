/** Columns by which parts overlap on either side of their border. */
const overlap = 12;

/**
 * Splits a mask into parts of about equal area, from left to right, as several annotators would
 * have drawn it. Their union is the mask.
 *
 * @param mask Row by row; every value but 0 is foreground.
 * @param size Pixels a side.
 * @param parts How many are wanted; fewer come out if the mask has too few columns.
 * @param overlapping Whether neighbouring parts share some columns.
 */
export function splitMask(
  mask: Uint8Array,
  size: number,
  parts: number,
  overlapping: boolean,
): Uint8Array[] {
  const borders = [0, ...borderColumns(mask, size, parts), size];
  const margin = overlapping ? overlap : 0;
  const pieces: Uint8Array[] = [];
  for (let part = 0; part + 1 < borders.length; part++) {
    const first = borders[part]! - margin;
    const end = borders[part + 1]! + margin;
    const piece = mask.map((pixel, i) => (i % size >= first && i % size < end ? pixel : 0));
    if (piece.some((pixel) => pixel !== 0)) pieces.push(piece);
  }
  return pieces;
}

/** The columns that split the area evenly. */
function borderColumns(mask: Uint8Array, size: number, parts: number): number[] {
  const area = new Float64Array(size);
  let total = 0;
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue;
    area[i % size]!++;
    total++;
  }
  const borders: number[] = [];
  let sum = 0;
  for (let column = 0; column < size && borders.length < parts - 1; column++) {
    sum += area[column]!;
    if (sum >= (total * (borders.length + 1)) / parts) borders.push(column + 1);
  }
  return borders;
}
