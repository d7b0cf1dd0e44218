import type { Samples } from "./display.ts";
import { type Frame, toSamples } from "./frame.ts";

const HEADER_BYTES = 64;

/**
 * Decodes RLE Lossless (PS3.5, annex G): one run-length encoded segment for each byte of a sample,
 * the highest byte first.
 *
 * @throws {Error} If the header is damaged, or a segment ends before its pixels do.
 */
export function decodeRleLossless(bytes: Uint8Array, frame: Frame): Samples {
  const segments = segmentsOf(bytes, frame.bitsAllocated / 8);
  const count = frame.rows * frame.columns;
  const words = new Uint16Array(count);
  for (const segment of segments) {
    const plane = decodeSegment(segment, count);
    for (let i = 0; i < count; i++) words[i] = (words[i]! << 8) | plane[i]!;
  }
  return toSamples(words, frame);
}

function segmentsOf(bytes: Uint8Array, expected: number): Uint8Array[] {
  if (bytes.length < HEADER_BYTES) throw new Error(`it has only ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(0, true);
  if (count !== expected) {
    throw new Error(`it has ${count} segments, but the header allocates ${expected} bytes a pixel`);
  }
  const starts = Array.from({ length: count }, (_, i) => view.getUint32(4 + 4 * i, true));
  const ends = [...starts.slice(1), bytes.length];
  return starts.map((start, i) => {
    if (start < HEADER_BYTES || start > ends[i]! || ends[i]! > bytes.length) {
      throw new Error(`segment ${i + 1} lies at ${start} to ${ends[i]} of ${bytes.length} bytes`);
    }
    return bytes.subarray(start, ends[i]);
  });
}

/** PackBits: n < 128 is followed by n + 1 bytes, n > 128 by one byte for 257 - n times. */
function decodeSegment(bytes: Uint8Array, count: number): Uint8Array {
  const plane = new Uint8Array(count);
  let at = 0;
  let filled = 0;
  while (filled < count) {
    const control = bytes[at++];
    if (control === undefined) throw new Error(`a segment ends after ${filled} of ${count} pixels`);
    if (control === 128) continue;
    const length = control < 128 ? control + 1 : 257 - control;
    if (filled + length > count || at + (control < 128 ? length : 1) > bytes.length) {
      throw new Error(`a run passes the end of its segment, at pixel ${filled} of ${count}`);
    }
    if (control < 128) {
      plane.set(bytes.subarray(at, at + length), filled);
      at += length;
    } else {
      plane.fill(bytes[at++]!, filled, filled + length);
    }
    filled += length;
  }
  return plane;
}
