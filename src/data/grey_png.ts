import sharp from "sharp";

// Every file is read once and then kept decoded elsewhere, so libvips need not remember any.
sharp.cache(false);

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
 * @throws {RangeError} If the image has another size.
 * @throws {Error} If the file is missing or damaged.
 */
export async function readGreyPng(path: string, size: number): Promise<Uint8Array> {
  const { data, info } = await sharp(await Deno.readFile(path))
    .toColourspace("b-w")
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.width !== size || info.height !== size || info.channels !== 1) {
    throw new RangeError(
      `Cannot read the image ${path} as it must be grey and ${size} x ${size}: ` +
        `${info.width} x ${info.height}, ${info.channels} channels`,
    );
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
