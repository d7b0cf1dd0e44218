import { Buffer } from "node:buffer";
import { promisify } from "node:util";
import { constants, crc32, deflate, type ZlibOptions } from "node:zlib";
import sharp from "sharp";
import { DatasetError } from "./dataset_error.ts";

// Every file is read once and then kept decoded elsewhere, so libvips need not remember any.
sharp.cache(false);

/** Where in a PNG file its colour type stands: 0 is grey (PNG specification, 11.2.1). */
const COLOUR_TYPE = 25;

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Each byte is stored as its difference to the one above it. */
const FILTER_UP = 2;

const compress = promisify<Uint8Array, ZlibOptions, Uint8Array>(deflate);

/**
 * Encodes a square grey image as PNG, 8 bits a pixel.
 *
 * Each pixel is predicted by the one above it, and the differences are coded by how often they occur:
 * in a film nothing repeats, so that a search for repetitions finds noise. This takes a third of the
 * time of libpng at level 3 without prediction, which is all that sharp offers beside the search for the
 * best filter of each row, and two thirds of its bytes. In a mask it is runs that are coded.
 *
 * @param pixels Row-major, `size * size` values 0 to 255.
 * @param size Rows and columns.
 * @throws {RangeError} If the image has another size.
 */
export async function encodeGreyPng(pixels: Uint8Array, size: number): Promise<Uint8Array> {
  if (pixels.length !== size * size) {
    throw new RangeError(
      `Cannot encode a PNG as it must hold ${size} x ${size} pixels: ${pixels.length}`,
    );
  }
  const { rows, unchanged } = differences(pixels, size);
  const strategy = 2 * unchanged > pixels.length ? constants.Z_RLE : constants.Z_HUFFMAN_ONLY;
  const data = await compress(rows, { level: constants.Z_BEST_SPEED, strategy });
  const header = new Uint8Array(13); // then: compression, filters and interlacing, all 0
  new DataView(header.buffer).setUint32(0, size);
  new DataView(header.buffer).setUint32(4, size);
  header[8] = 8; // bits; the colour type after it is grey
  const chunks = [chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", new Uint8Array())];
  return Buffer.concat([SIGNATURE, ...chunks]);
}

/** The rows, each behind its filter's number, and how many pixels are as the one above them. */
function differences(pixels: Uint8Array, size: number): { rows: Uint8Array; unchanged: number } {
  const rows = new Uint8Array((size + 1) * size);
  let unchanged = 0;
  let target = 0;
  for (let start = 0; start < pixels.length; start += size) {
    rows[target++] = FILTER_UP;
    for (let i = start; i < start + size; i++) {
      const difference = pixels[i]! - (start === 0 ? 0 : pixels[i - size]!);
      rows[target++] = difference;
      if (difference === 0) unchanged++;
    }
  }
  return { rows, unchanged };
}

/** A length, a type, the data, and the checksum of type and data (PNG specification, 5.3). */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, crc32(bytes.subarray(4, data.length + 8)));
  return bytes;
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
