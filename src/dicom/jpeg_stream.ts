import type { StreamHeader } from "./frame.ts";

/** A JPEG or JPEG-LS stream up to its first scan; tables are kept as they stand there. */
export interface JpegStream extends StreamHeader {
  /** 0 baseline, 1 extended, 2 progressive, 3 lossless, 55 JPEG-LS, ... : the n of its SOFn. */
  process: number;
  /** By table number. */
  quantization: Map<number, Uint16Array>; // [64], in zigzag order
  /** By class (0 DC or lossless, 1 AC) * 16 + table number; see {@linkcode HuffmanTable}. */
  huffman: Map<number, HuffmanTable>;
  /** MCUs between two restart markers; 0 for none. */
  restartInterval: number;
  scan: Scan;
}

/** How often each code length from 1 to 16 occurs, and the codes' values in order. */
export interface HuffmanTable {
  counts: Uint8Array; // [16]
  values: Uint8Array;
}

/** The first scan's header, for its first component. */
export interface Scan {
  components: number;
  dcTable: number;
  acTable: number;
  /** The first coefficient; in a lossless stream the number of the predictor. */
  start: number;
  /** The last coefficient. */
  end: number;
  /** In a lossless stream the point transform: bits that were left out at the lower end. */
  low: number;
  /** Table of the frame's first component. */
  quantizationTable: number;
  /** The first entropy-coded byte. */
  data: number;
}

const SOI = 0xd8, SOS = 0xda, DQT = 0xdb, DHT = 0xc4, DRI = 0xdd;
/** SOF0 to SOF15 without DHT, JPG and DAC, which lie among them; and JPEG-LS's SOF55. */
const FRAMES = new Set([0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 55].map((n) => 0xc0 + n));

/**
 * Reads a stream's headers (ITU-T T.81, annex B; T.87 for JPEG-LS).
 *
 * @throws {Error} If it is no JPEG stream, or is damaged before its first scan.
 */
export function parseJpeg(bytes: Uint8Array): JpegStream {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || bytes[0] !== 0xff || bytes[1] !== SOI) {
    throw new Error("it does not begin as a JPEG stream does");
  }
  const quantization = new Map<number, Uint16Array>();
  const huffman = new Map<number, HuffmanTable>();
  let restartInterval = 0;
  let frame: (StreamHeader & { process: number; quantizationTable: number }) | undefined;
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) throw new Error(`no marker stands at its byte ${at}`);
    const marker = bytes[at + 1]!;
    if (marker === 0xff) { // a fill byte
      at++;
      continue;
    }
    const end = at + 2 + view.getUint16(at + 2);
    const segment = bytes.subarray(at + 4, end);
    if (end < at + 4 || end > bytes.length) throw new Error("it ends within its header");
    if (FRAMES.has(marker)) {
      if (frame) throw new Error("it has several frames");
      frame = readFrame(marker - 0xc0, segment);
    } else if (marker === DQT) {
      readQuantization(segment, quantization);
    } else if (marker === DHT) {
      readHuffman(segment, huffman);
    } else if (marker === DRI) {
      if (segment.length < 2) throw new Error("its restart interval is damaged");
      restartInterval = view.getUint16(at + 4);
    } else if (marker === SOS) {
      if (!frame) throw new Error("its pixels come before its header");
      const scan = { ...readScan(segment), data: end, quantizationTable: frame.quantizationTable };
      return { ...frame, quantization, huffman, restartInterval, scan };
    }
    at = end;
  }
  throw new Error("it ends before its pixels");
}

function readFrame(process: number, segment: Uint8Array) {
  if (segment.length < 9) throw new Error("its frame header is damaged");
  const view = new DataView(segment.buffer, segment.byteOffset);
  return {
    process,
    precision: segment[0]!,
    height: view.getUint16(1),
    width: view.getUint16(3),
    components: segment[5]!,
    quantizationTable: segment[8]!,
  };
}

function readQuantization(segment: Uint8Array, tables: Map<number, Uint16Array>): void {
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength);
  let at = 0;
  while (at < segment.length) {
    const bytes = segment[at]! >> 4 ? 2 : 1;
    const id = segment[at++]! & 15;
    if (at + 64 * bytes > segment.length) throw new Error("a quantization table is damaged");
    const table = Uint16Array.from({ length: 64 }, (_, i) => {
      return bytes === 2 ? view.getUint16(at + 2 * i) : view.getUint8(at + i);
    });
    tables.set(id, table);
    at += 64 * bytes;
  }
}

function readHuffman(segment: Uint8Array, tables: Map<number, HuffmanTable>): void {
  let at = 0;
  while (at < segment.length) {
    const id = segment[at]!;
    const counts = segment.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const values = segment.subarray(at + 17, at + 17 + total);
    if (counts.length < 16 || values.length < total) throw new Error("a Huffman table is damaged");
    tables.set(id, { counts, values });
    at += 17 + total;
  }
}

function readScan(segment: Uint8Array) {
  const components = segment[0] ?? 0;
  if (segment.length < 4 + 2 * components || components === 0) {
    throw new Error("its scan header is damaged");
  }
  const [start, end, approximation] = segment.subarray(1 + 2 * components);
  return {
    components,
    dcTable: segment[2]! >> 4,
    acTable: segment[2]! & 15,
    start: start!,
    end: end!,
    low: approximation! & 15,
  };
}
