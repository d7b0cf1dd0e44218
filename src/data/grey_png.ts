import sharp from "sharp";
import { DatasetError } from "./dataset_error.ts";

// Every file is read once and then kept decoded elsewhere, so libvips need not remember any.
sharp.cache(false);

/** Where in a PNG file its colour type stands: 0 is grey (PNG specification, 11.2.1). */
const COLOUR_TYPE = 25;

/** A light level: twice as fast as the default 6, for files about a fifth larger. */
const COMPRESSION_LEVEL = 3;

/**
 * Encodes a square grey image as PNG, 8 bits a pixel.
 *
 * @param pixels Row-major, `size * size` values 0 to 255.
 * @param size Rows and columns.
 */
export async function encodeGreyPng(pixels: Uint8Array, size: number): Promise<Uint8Array> {
  return await sharp(pixels, { raw: { width: size, height: size, channels: 1 } })
    .toColourspace("b-w")
    .png({ compressionLevel: COMPRESSION_LEVEL })
    .toBuffer();
}

/**
 * Reads a square grey image from a PNG file.
 *
 * @param path The file.
 * @param size Rows and columns that it must have.
 * @returns Row-major, `size * size` values 0 to 255.
 * @throws {DatasetError} If the file is damaged, or the image has another size or colours.
 * @throws {Deno.errors.NotFound} If there is no such file.
 */
export async function readGreyPng(path: string, size: number): Promise<Uint8Array> {
  const bytes = await Deno.readFile(path);
  const refuse = (why: string, cause?: unknown): never => {
    throw new DatasetError(
      `Cannot read the image ${path} as ${why}. Remove its folder to have it made again`,
      { cause },
    );
  };
  const { data, info } = await decode(bytes, size)
    .catch((error) => refuse(`it is damaged: ${error.message.trim()}`, error));
  // libvips makes grey of any colour; the file says what it is.
  const isGrey = bytes[COLOUR_TYPE] === 0;
  if (info.width !== size || info.height !== size || !isGrey) {
    const found = `${info.width} x ${info.height}${isGrey ? "" : " in colour"}`;
    refuse(`it must be grey and ${size} x ${size}: it is ${found}`);
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

async function decode(png: Uint8Array, size: number) {
  // A damaged header may ask for any number of pixels.
  return await sharp(png, { limitInputPixels: size * size })
    .toColourspace("b-w")
    .raw()
    .toBuffer({ resolveWithObject: true });
}
