import sharp from "sharp";
import type { Samples } from "./display.ts";
import { checkStream, type Frame, hasEndMarker, toSamples } from "./frame.ts";
import { type JpegStream, parseJpeg } from "./jpeg_stream.ts";
import { type TurboJpeg, turboJpeg } from "./turbojpeg.ts";

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

/** A stream that only libjpeg-turbo decodes, where it cannot be used. */
export class NoDecoderError extends Error {}

/** SOF0 to SOF2: baseline, extended and progressive, all with the cosine transform and Huffman's code. */
const COSINE_PROCESSES = [0, 1, 2];
const LOSSLESS_PROCESS = 3;

/**
 * Decodes JPEG Baseline: 8 bits.
 *
 * @param library What decodes; sharp where there is none, to the same pixels.
 * @throws {Error} If the stream is of another kind, damaged, cut, or contradicts the frame.
 */
export async function decodeJpegBaseline(
  bytes: Uint8Array,
  frame: Frame,
  library: TurboJpeg | null = turboJpeg,
): Promise<Samples> {
  const stream = parseKind(bytes, frame, COSINE_PROCESSES, [8]);
  if (frame.bitsAllocated !== 8) {
    throw new Error(`its stream holds 8 bits a pixel, but the header allocates 16`);
  }
  return await decode(bytes, stream, frame, library);
}

/**
 * Decodes JPEG Extended: 8 or 12 bits (ITU-T T.81, annex F).
 *
 * @param library What decodes; sharp where there is none, but only 8 bits.
 * @throws {NoDecoderError} If there is no library and the stream has 12 bits.
 * @throws {Error} If the stream is of another kind, damaged, cut, or contradicts the frame.
 */
export async function decodeJpegExtended(
  bytes: Uint8Array,
  frame: Frame,
  library: TurboJpeg | null = turboJpeg,
): Promise<Samples> {
  const stream = parseKind(bytes, frame, COSINE_PROCESSES, [8, 12]);
  if (!hasEndMarker(bytes)) throw new Error("it ends early");
  return await decode(bytes, stream, frame, library);
}

/**
 * Decodes lossless JPEG with Huffman coding (ITU-T T.81, annex H), 2 to 16 bits, all predictors.
 *
 * @param library What decodes.
 * @throws {NoDecoderError} If there is no library.
 * @throws {Error} If the stream is of another kind, damaged, cut, or contradicts the frame.
 */
export async function decodeJpegLossless(
  bytes: Uint8Array,
  frame: Frame,
  library: TurboJpeg | null = turboJpeg,
): Promise<Samples> {
  const stream = parseKind(bytes, frame, [LOSSLESS_PROCESS]);
  if (!hasEndMarker(bytes)) throw new Error("it ends early");
  return await decode(bytes, stream, frame, library);
}

/** The stream's headers, which must be the frame's and of a process and precision that are allowed. */
function parseKind(
  bytes: Uint8Array,
  frame: Frame,
  processes: readonly number[],
  precisions?: readonly number[],
): JpegStream {
  const stream = parseJpeg(bytes);
  checkStream(stream, frame);
  const { process, precision } = stream;
  if (processes.includes(process) && (precisions?.includes(precision) ?? true)) return stream;
  throw new Error(
    `it is of process ${process} with ${precision} bits, against its transfer syntax`,
  );
}

async function decode(
  bytes: Uint8Array,
  stream: JpegStream,
  frame: Frame,
  library: TurboJpeg | null,
): Promise<Samples> {
  const pixels = await (library ? library.decode(bytes, stream) : decodeWithSharp(bytes, stream));
  const isWhole = frame.bitsStored === frame.bitsAllocated && !frame.signed;
  return isWhole && pixels.BYTES_PER_ELEMENT * 8 === frame.bitsAllocated
    ? pixels
    : toSamples(pixels, frame);
}

async function decodeWithSharp(bytes: Uint8Array, stream: JpegStream): Promise<Uint8Array> {
  if (stream.process === LOSSLESS_PROCESS || stream.precision !== 8) {
    throw new NoDecoderError(
      "libjpeg-turbo, which it needs, cannot be used here (deno task doctor tells why)",
    );
  }
  // libvips hands a grey JPEG out as three equal channels unless told otherwise.
  const buffer = await sharp(bytes).toColourspace("b-w").raw().toBuffer();
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
