import sharp from "sharp";
import { FILM_SIZE } from "./film.ts";

/** Rows and columns of a film. */
export interface FilmShape {
  width: number;
  height: number;
}

/** Where a film lies in the square: pixels from its left and upper edge, and its shape there. */
export interface Placement extends FilmShape {
  left: number;
  top: number;
}

/**
 * Everything behind the DICOM file works on squares of {@linkcode FILM_SIZE}. A film of another shape is
 * scaled until its longer side fills the square, and centred: its proportions stay, what is left over
 * is black.
 *
 * @param shape At least 1 x 1 px.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { placeInSquare } from "@/data/mod.ts";
 *
 * const place = placeInSquare({ width: 512, height: 256 });
 * assertEquals(place, { left: 0, top: 256, width: 1024, height: 512 });
 * ```
 */
export function placeInSquare({ width, height }: FilmShape): Placement {
  const scale = FILM_SIZE / Math.max(width, height);
  const [wide, high] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  return {
    left: Math.floor((FILM_SIZE - wide!) / 2),
    top: Math.floor((FILM_SIZE - high!) / 2),
    width: wide!,
    height: high!,
  };
}

/**
 * Places a film in the square, see {@linkcode placeInSquare}.
 *
 * @param pixels Grey values 0 to 255, row-major. // [height * width]
 * @returns Grey values, row-major; those given if the film fills the square. // [1024 * 1024]
 * @throws {RangeError} If the shape is not that of the pixels.
 */
export async function filmToSquare(pixels: Uint8Array, shape: FilmShape): Promise<Uint8Array> {
  checkShape(pixels, shape);
  if (fillsSquare(shape)) return pixels;
  const place = placeInSquare(shape);
  return pasteIntoSquare(await scale(pixels, shape, place), place);
}

/**
 * Places a mask in the square as {@linkcode filmToSquare} does its film. A mask that has a pixel keeps
 * one, however small it becomes.
 *
 * @param mask Row-major; every value but 0 is foreground. // [height * width]
 * @returns 0 or 1, row-major. // [1024 * 1024]
 * @throws {RangeError} If the shape is not that of the mask.
 */
export async function maskToSquare(mask: Uint8Array, shape: FilmShape): Promise<Uint8Array> {
  checkShape(mask, shape);
  const binary = mask.map((value) => value === 0 ? 0 : 1);
  if (fillsSquare(shape)) return binary;
  const place = placeInSquare(shape);
  return pasteIntoSquare(await scaleMask(binary, shape, place), place);
}

/**
 * The part of the square that is the film, at the film's own size: what {@linkcode maskToSquare} did,
 * back again.
 *
 * @param mask Row-major; every value but 0 is foreground. // [1024 * 1024]
 * @param shape Of the film.
 * @returns 0 or 1, row-major. // [height * width]
 * @throws {RangeError} If the mask is not 1024 x 1024.
 */
export async function maskFromSquare(mask: Uint8Array, shape: FilmShape): Promise<Uint8Array> {
  checkShape(mask, { width: FILM_SIZE, height: FILM_SIZE });
  const binary = mask.map((value) => value === 0 ? 0 : 1);
  if (fillsSquare(shape)) return binary;
  const place = placeInSquare(shape);
  const part = new Uint8Array(place.width * place.height);
  for (let y = 0; y < place.height; y++) {
    const start = (place.top + y) * FILM_SIZE + place.left;
    part.set(binary.subarray(start, start + place.width), y * place.width);
  }
  return await scaleMask(part, place, shape);
}

function fillsSquare({ width, height }: FilmShape): boolean {
  return width === FILM_SIZE && height === FILM_SIZE;
}

/** Enlarging is linear; making smaller averages, over a triangle about each pixel. */
async function scale(pixels: Uint8Array, from: FilmShape, to: FilmShape): Promise<Uint8Array> {
  const { width, height } = from;
  const { data } = await sharp(pixels, { raw: { width, height, channels: 1 } })
    .resize(to.width, to.height, { fit: "fill", kernel: "linear" })
    .toColourspace("b-w")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** @param mask 0 or 1. */
async function scaleMask(mask: Uint8Array, from: FilmShape, to: FilmShape): Promise<Uint8Array> {
  const shares = await scale(mask.map((value) => 255 * value), from, to);
  const scaled = shares.map((share) => share >= 128 ? 1 : 0);
  if (!scaled.includes(1)) {
    // Less than half of any pixel: those that it touches.
    for (let i = mask.indexOf(1); i >= 0; i = mask.indexOf(1, i + 1)) {
      const x = Math.floor((i % from.width) * to.width / from.width);
      const y = Math.floor(Math.floor(i / from.width) * to.height / from.height);
      scaled[y * to.width + x] = 1;
    }
  }
  return scaled;
}

function pasteIntoSquare(pixels: Uint8Array, { left, top, width, height }: Placement): Uint8Array {
  const square = new Uint8Array(FILM_SIZE * FILM_SIZE);
  for (let y = 0; y < height; y++) {
    square.set(pixels.subarray(y * width, (y + 1) * width), (top + y) * FILM_SIZE + left);
  }
  return square;
}

function checkShape(values: Uint8Array, { width, height }: FilmShape): void {
  if (values.length !== width * height) {
    throw new RangeError(
      `Cannot place a film as it must hold ${width} x ${height} values: it holds ${values.length}`,
    );
  }
}
