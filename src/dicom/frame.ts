import type { Samples } from "./display.ts";

/** What a file's header says of its one grey frame. */
export interface Frame {
  rows: number;
  columns: number;
  bitsAllocated: 8 | 16;
  /** At most `bitsAllocated`; a value's lowest bits. */
  bitsStored: number;
  /** Whether values are two's complement. */
  signed: boolean;
}

/** What a compressed stream says of itself. */
export interface StreamHeader {
  width: number;
  height: number;
  components: number;
  /** Bits of one sample. */
  precision: number;
}

/**
 * Checks a compressed stream's own header against the file's, before anything is allocated for its
 * pixels.
 *
 * @throws {Error} If they contradict each other.
 */
export function checkStream(stream: StreamHeader, frame: Frame): void {
  const { width, height, components, precision } = stream;
  if (width !== frame.columns || height !== frame.rows) {
    throw new Error(
      `its stream is ${width}x${height}, but the header says ${frame.columns}x${frame.rows}`,
    );
  }
  if (components !== 1) {
    throw new Error(`its stream has ${components} channels, but the header says one`);
  }
  if (precision < 2 || precision > frame.bitsAllocated) {
    throw new Error(
      `its stream holds ${precision} bits a pixel, but the header allocates ${frame.bitsAllocated}`,
    );
  }
}

/** Whether a compressed stream ends with FFD9, as all of JPEG's family do; 00 or FF may pad it. */
export function hasEndMarker(bytes: Uint8Array): boolean {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0 || bytes[end - 1] === 0xff)) end--;
  return end >= 2 && bytes[end - 2] === 0xff && bytes[end - 1] === 0xd9;
}

/**
 * Stored values from words of which only the lowest `bitsStored` count: bits above may hold
 * anything, and the sign stands in the highest of them.
 *
 * @param words Row by row, as many as the frame has pixels. // [rows * columns]
 */
export function toSamples(words: ArrayLike<number>, frame: Frame): Samples {
  const { rows, columns, bitsAllocated, bitsStored, signed } = frame;
  const count = rows * columns;
  const samples = bitsAllocated === 8
    ? new (signed ? Int8Array : Uint8Array)(count)
    : new (signed ? Int16Array : Uint16Array)(count);
  const unused = 32 - bitsStored;
  for (let i = 0; i < count; i++) {
    samples[i] = signed ? (words[i]! << unused) >> unused : (words[i]! << unused) >>> unused;
  }
  return samples;
}
