import sharp from "sharp";
import type { Samples } from "./display.ts";
import { checkStream, type Frame, toSamples } from "./frame.ts";
import { parseJpeg } from "./jpeg_stream.ts";

// Each film is decoded once; libvips would keep them all.
sharp.cache(false);

/**
 * Compresses a grey image as the JPEG that transfer syntax 1.2.840.10008.1.2.4.50 wants: baseline,
 * one component.
 *
 * @param pixels Grey levels, row by row.
 * @param width Columns.
 * @param height Rows.
 * @param quality 1 to 100; 90 gives files of the competition's size (about 120 kB at 1024x1024).
 * @throws {RangeError} If there are not `width * height` pixels.
 */
export async function encodeJpeg(
  pixels: Uint8Array,
  width: number,
  height: number,
  quality = 90,
): Promise<Uint8Array> {
  if (pixels.length !== width * height) {
    throw new RangeError(
      `Cannot compress an image as ${width}x${height} pixels are expected: ` +
        `there are ${pixels.length}`,
    );
  }
  // mozjpeg would write a progressive file, which JPEG Baseline forbids.
  const jpeg = await sharp(pixels, { raw: { width, height, channels: 1 } })
    .toColourspace("b-w")
    .jpeg({ quality, progressive: false, mozjpeg: false })
    .toBuffer();
  return new Uint8Array(jpeg.buffer, jpeg.byteOffset, jpeg.length);
}

/**
 * Decodes a grey JPEG of 8 bits with libjpeg.
 *
 * @throws {Error} If the stream is damaged, cut, or contradicts the frame.
 */
export async function decodeJpeg(bytes: Uint8Array, frame: Frame): Promise<Samples> {
  const stream = parseJpeg(bytes);
  checkStream(stream, frame);
  if (stream.precision !== 8 || frame.bitsAllocated !== 8) {
    throw new Error(
      `its stream holds ${stream.precision} bits a pixel, but the header allocates ${frame.bitsAllocated}`,
    );
  }
  // libvips hands a grey JPEG out as three equal channels unless told otherwise.
  const buffer = await sharp(bytes).toColourspace("b-w").raw().toBuffer();
  const pixels = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
  return frame.bitsStored === 8 && !frame.signed ? pixels : toSamples(pixels, frame);
}
