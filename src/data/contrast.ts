import { checkClahe, equalizeAdaptively } from "./clahe.ts";

/** How grey values are stretched before a film is made smaller. */
export type Contrast =
  | { kind: "none" }
  /** The grey values at these percentiles, 0 to 100, become 0 and 255. */
  | { kind: "percentile"; low: number; high: number }
  /** Contrast-limited adaptive histogram equalization, see {@linkcode equalizeAdaptively}. */
  | { kind: "clahe"; clipLimit: number; tiles: number };

/** What is used unless said otherwise: clips the darkest and the brightest 0.5 % of the pixels. */
export const DEFAULT_CONTRAST: Contrast = { kind: "percentile", low: 0.5, high: 99.5 };

/** The usual settings of CLAHE. */
export const DEFAULT_CLAHE: Contrast = { kind: "clahe", clipLimit: 2, tiles: 8 };

/**
 * Stretches the contrast of a grey image. Percentiles are interpolated linearly between the sorted
 * values, as `numpy.percentile` does. An image whose two percentiles are equal is left as it is.
 *
 * @param pixels Grey values 0 to 255, row-major; for CLAHE those of a square image.
 * @param contrast What to do.
 * @returns A new array of grey values.
 * @throws {RangeError} If the percentiles are not `0 <= low < high <= 100`, a setting of CLAHE is out
 * of range, or there is no pixel.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { applyContrast } from "@/data/mod.ts";
 *
 * const stretched = applyContrast(Uint8Array.of(50, 75, 100), { kind: "percentile", low: 0, high: 100 });
 * assertEquals(stretched, Uint8Array.of(0, 128, 255));
 * ```
 */
export function applyContrast(pixels: Uint8Array, contrast: Contrast): Uint8Array {
  checkContrast(contrast);
  if (contrast.kind === "none") return pixels.slice();
  if (contrast.kind === "clahe") return equalizeAdaptively(pixels, contrast);
  const table = contrastTable(pixels, contrast);
  const stretched = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) stretched[i] = table[pixels[i]!]!;
  return stretched;
}

/**
 * What {@linkcode applyContrast} makes of each grey value of an image.
 *
 * @param pixels Grey values 0 to 255 in any order.
 * @param contrast Which percentiles become 0 and 255.
 * @returns A grey value for each of the 256.
 * @throws {RangeError} As {@linkcode applyContrast}.
 */
export function contrastTable(
  pixels: Uint8Array,
  contrast: Contrast & { kind: "percentile" },
): Uint8Array {
  checkContrast(contrast);
  const histogram = histogramOf(pixels);
  const black = percentile(histogram, pixels.length, contrast.low);
  const white = percentile(histogram, pixels.length, contrast.high);
  if (!(white > black)) return Uint8Array.from(histogram, (_, value) => value);
  const stretch = (value: number) => Math.floor(((value - black) / (white - black)) * 255 + 0.5);
  return Uint8Array.from(Uint8ClampedArray.from(histogram, (_, value) => stretch(value)));
}

/** Neighbours are often equal: with a histogram for each of four, none waits for the one before. */
function histogramOf(pixels: Uint8Array): Uint32Array {
  const [first, second, third, fourth] = [0, 1, 2, 3].map(() => new Uint32Array(256)) as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  const whole = pixels.length - pixels.length % 4;
  for (let i = 0; i < whole; i += 4) {
    first[pixels[i]!]!++;
    second[pixels[i + 1]!]!++;
    third[pixels[i + 2]!]!++;
    fourth[pixels[i + 3]!]!++;
  }
  for (let i = whole; i < pixels.length; i++) first[pixels[i]!]!++;
  return first.map((count, value) => count + second[value]! + third[value]! + fourth[value]!);
}

/** @throws {RangeError} If a setting is out of range, see {@linkcode applyContrast}. */
export function checkContrast(contrast: Contrast): void {
  if (contrast.kind === "none") return;
  if (contrast.kind === "clahe") return checkClahe(contrast);
  const { low, high } = contrast;
  if (!(low >= 0 && low < high && high <= 100)) {
    throw new RangeError(
      `Cannot stretch contrast as percentiles must be 0 <= low < high <= 100: ${low}, ${high}`,
    );
  }
}

function percentile(histogram: Uint32Array, count: number, percent: number): number {
  if (count === 0) throw new RangeError("Cannot stretch contrast as the image has no pixel");
  const rank = (percent / 100) * (count - 1);
  const below = valueAt(histogram, Math.floor(rank));
  const above = valueAt(histogram, Math.ceil(rank));
  return below + (above - below) * (rank - Math.floor(rank));
}

/** The value at a place of the sorted pixels, from 0. */
function valueAt(histogram: Uint32Array, place: number): number {
  let seen = 0;
  let value = -1;
  while (seen <= place) seen += histogram[++value]!;
  return value;
}
