import sharp from "sharp";
import { FILM_SIZE, type FilmShape, filmToSquare, placeInSquare } from "@/data/mod.ts";
import { COLORS, overlay } from "@/plots/mod.ts";

/**
 * A mask as a PNG file, black and white.
 *
 * @param mask 0 or 1, row-major. // [height * width]
 */
export async function greyPng(mask: Uint8Array, { width, height }: FilmShape): Promise<Uint8Array> {
  const white = mask.map((value) => 255 * value);
  const png = await sharp(white, { raw: { width, height, channels: 1 } })
    .toColourspace("b-w")
    .png({ compressionLevel: 3 })
    .toBuffer();
  return new Uint8Array(png);
}

/**
 * A film with the outline of a mask, as a PNG file; its longer side has 1024 px.
 *
 * @param pixels Grey values 0 to 255, row-major. // [height * width]
 * @param square The mask where the film lies in the square, 0 or 1, row-major. // [1024 * 1024]
 */
export async function overlayPng(
  pixels: Uint8Array,
  shape: FilmShape,
  square: Uint8Array,
): Promise<Uint8Array> {
  const style = { color: COLORS.prediction, thickness: 3 };
  const rgb = overlay(await filmToSquare(pixels, shape), square, style);
  const { left, top, width, height } = placeInSquare(shape);
  const png = await sharp(rgb, { raw: { width: FILM_SIZE, height: FILM_SIZE, channels: 3 } })
    .extract({ left, top, width, height })
    .png()
    .toBuffer();
  return new Uint8Array(png);
}
