import type { Element } from "dicom-parser";
import type { Samples } from "./display.ts";
import { type Frame, toSamples } from "./frame.ts";

/**
 * Decodes pixels that stand in the file as plain numbers.
 *
 * @param file The whole file's bytes.
 * @param element Where in it the pixels are.
 * @param littleEndian The order of the bytes of a 16-bit number.
 * @throws {Error} If the number of bytes does not fit the frame.
 */
export function decodeUncompressed(
  file: Uint8Array,
  { dataOffset, length, vr }: Pick<Element, "dataOffset" | "length" | "vr">,
  frame: Frame,
  littleEndian: boolean,
): Samples {
  const { rows, columns, bitsAllocated } = frame;
  const count = rows * columns;
  const needed = count * (bitsAllocated / 8);
  const bytes = file.subarray(dataOffset, dataOffset + length);
  // The standard pads to an even length, and some writers pad further; other values are pixels that
  // the header does not tell of.
  const isPadding = length === needed + 1 || bytes.subarray(needed).every((byte) => byte === 0);
  if (length < needed || !isPadding) {
    throw new Error(`it has ${length} bytes, but ${columns}x${rows} pixels need ${needed}`);
  }
  if (bitsAllocated === 8) {
    // Big endian words (PS3.5, A.3: OW) hold their two pixels in turned order.
    const swapped = !littleEndian && vr === "OW";
    return toSamples(swapped ? swapPairs(bytes, count) : bytes, frame);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = new Uint16Array(count);
  for (let i = 0; i < count; i++) words[i] = view.getUint16(2 * i, littleEndian);
  return toSamples(words, frame);
}

function swapPairs(bytes: Uint8Array, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => bytes[i ^ 1]!);
}
