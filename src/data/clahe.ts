/** Settings of {@linkcode equalizeAdaptively}. */
export interface Clahe {
  /**
   * Most pixels of one grey value in a tile's histogram, in multiples of what it would be if all grey
   * values were equally frequent; above 0. What exceeds it is spread over all grey values.
   */
  clipLimit: number;
  /** Tiles along each axis, 1 to the side of the image. */
  tiles: number;
}

const LEVELS = 256;

/**
 * Contrast-limited adaptive histogram equalization (Zuiderveld, "Contrast limited adaptive histogram
 * equalization", Graphics Gems IV, 1994), by the rules of OpenCV's `createCLAHE`: each tile's clipped
 * histogram gives a map of grey values, and each pixel takes the mean of the maps of the four tiles
 * around it, by its distance from their centres. An image that the tiles do not divide is mirrored at
 * its right and lower border.
 *
 * @param pixels Grey values 0 to 255 of a square image, row-major.
 * @returns A new array of grey values.
 * @throws {RangeError} If a setting is out of range, or the image is not square.
 */
export function equalizeAdaptively(pixels: Uint8Array, settings: Clahe): Uint8Array {
  checkClahe(settings);
  const size = Math.sqrt(pixels.length);
  if (!Number.isInteger(size) || size === 0) {
    throw new RangeError(
      `Cannot apply CLAHE as the image must be square: it has ${pixels.length} pixels`,
    );
  }
  const { tiles } = settings;
  if (tiles > size) {
    throw new RangeError(`Cannot apply CLAHE as tiles must be at most the side ${size}: ${tiles}`);
  }
  const tileSize = Math.ceil(size / tiles);
  const maps = Array.from({ length: tiles * tiles }, (_, tile) => {
    const left = (tile % tiles) * tileSize;
    const top = Math.floor(tile / tiles) * tileSize;
    return greyMap(tileHistogram(pixels, size, left, top, tileSize), tileSize, settings.clipLimit);
  });

  const columns = neighbouringTiles(size, tileSize, tiles);
  const equalized = new Uint8Array(pixels.length);
  for (let y = 0; y < size; y++) {
    const row = columns[y]!;
    for (let x = 0; x < size; x++) {
      const column = columns[x]!;
      const grey = pixels[y * size + x]!;
      const at = (tileRow: number, tileColumn: number) =>
        maps[tileRow * tiles + tileColumn]![grey]!;
      const upper = at(row.first, column.first) * (1 - column.weight) +
        at(row.first, column.second) * column.weight;
      const lower = at(row.second, column.first) * (1 - column.weight) +
        at(row.second, column.second) * column.weight;
      equalized[y * size + x] = roundHalfToEven(upper * (1 - row.weight) + lower * row.weight);
    }
  }
  return equalized;
}

/** @throws {RangeError} If a setting is out of range. */
export function checkClahe({ clipLimit, tiles }: Clahe): void {
  if (!(clipLimit > 0)) {
    throw new RangeError(`Cannot apply CLAHE as clipLimit must be > 0: ${clipLimit}`);
  }
  if (!Number.isInteger(tiles) || tiles < 1) {
    throw new RangeError(`Cannot apply CLAHE as tiles must be an integer >= 1: ${tiles}`);
  }
}

function tileHistogram(
  pixels: Uint8Array,
  size: number,
  left: number,
  top: number,
  tileSize: number,
): Uint32Array {
  const histogram = new Uint32Array(LEVELS);
  for (let y = top; y < top + tileSize; y++) {
    const row = mirroredPlace(y, size) * size;
    for (let x = left; x < left + tileSize; x++) {
      histogram[pixels[row + mirroredPlace(x, size)]!]!++;
    }
  }
  return histogram;
}

/**
 * The pixel of an axis of `size` pixels that stands at a place: beyond the last pixel the image is
 * mirrored, the last pixel itself not repeated.
 */
export function mirroredPlace(place: number, size: number): number {
  let inside = place;
  while (inside >= size || inside < 0) {
    inside = size === 1 ? 0 : Math.abs(2 * (size - 1) - inside);
  }
  return inside;
}

/** What each grey value of a tile becomes: its share of the pixels that are as dark or darker. */
function greyMap(histogram: Uint32Array, tileSize: number, clipLimit: number): Uint8Array {
  const area = tileSize * tileSize;
  const limit = Math.max(Math.floor((clipLimit * area) / LEVELS), 1);
  let excess = 0;
  for (let level = 0; level < LEVELS; level++) {
    const count = histogram[level]!;
    if (count <= limit) continue;
    excess += count - limit;
    histogram[level] = limit;
  }
  const forEach = Math.floor(excess / LEVELS);
  let rest = excess % LEVELS;
  for (let level = 0; level < LEVELS; level++) histogram[level]! += forEach;
  const step = Math.max(Math.floor(LEVELS / rest), 1);
  for (let level = 0; level < LEVELS && rest > 0; level += step, rest--) histogram[level]!++;

  // In the precision of OpenCV, so that halves are rounded as it does.
  const scale = Math.fround((LEVELS - 1) / area);
  const map = new Uint8Array(LEVELS);
  let sum = 0;
  for (let level = 0; level < LEVELS; level++) {
    sum += histogram[level]!;
    map[level] = Math.min(roundHalfToEven(Math.fround(sum * scale)), LEVELS - 1);
  }
  return map;
}

/** For each pixel along an axis: the two tiles whose centres it lies between, and the second's weight. */
export function neighbouringTiles(
  size: number,
  tileSize: number,
  tiles: number,
): { first: number; second: number; weight: number }[] {
  return Array.from({ length: size }, (_, i) => {
    // OpenCV's rule and precision; exact centres would lie half a pixel further on.
    const place = Math.fround(Math.fround(i * Math.fround(1 / tileSize)) - 0.5);
    const first = Math.floor(place);
    return {
      first: Math.max(first, 0),
      second: Math.min(first + 1, tiles - 1),
      weight: place - first,
    };
  });
}

function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}
