import type { StreamHeader } from "./frame.ts";

/** What a JPEG or JPEG-LS stream says of itself before its first scan. */
export interface JpegStream extends StreamHeader {
  /** 0 baseline, 1 extended, 2 progressive, 3 lossless, 55 JPEG-LS, ... : the n of its SOFn. */
  process: number;
}

const SOI = 0xd8, SOS = 0xda;
/** SOF0 to SOF15 without DHT, JPG and DAC, which lie among them; and JPEG-LS's SOF55. */
const FRAMES = new Set([0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 55].map((n) => 0xc0 + n));

/**
 * Reads a stream's header (ITU-T T.81, annex B; T.87 for JPEG-LS). Tables are left to the decoder.
 *
 * @throws {Error} If it is no JPEG stream, or is damaged before its first scan.
 */
export function parseJpeg(bytes: Uint8Array): JpegStream {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || bytes[0] !== 0xff || bytes[1] !== SOI) {
    throw new Error("it does not begin as a JPEG stream does");
  }
  let frame: JpegStream | undefined;
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
    } else if (marker === SOS) {
      if (!frame) throw new Error("its pixels come before its header");
      return frame;
    }
    at = end;
  }
  throw new Error("it ends before its pixels");
}

function readFrame(process: number, segment: Uint8Array): JpegStream {
  if (segment.length < 9) throw new Error("its frame header is damaged");
  const view = new DataView(segment.buffer, segment.byteOffset);
  return {
    process,
    precision: segment[0]!,
    height: view.getUint16(1),
    width: view.getUint16(3),
    components: segment[5]!,
  };
}
