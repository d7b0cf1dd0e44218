import type { Samples } from "./display.ts";
import { checkStream, type Frame, hasEndMarker, type StreamHeader, toSamples } from "./frame.ts";
import { WasmCodec } from "./wasm_codec.ts";

const openjpeg = new WasmCodec(
  () => import("@cornerstonejs/codec-openjpeg/decodewasmjs"),
  "J2KDecoder",
);
/** SOC and SIZ: a codestream begins with them, also within a JP2 file. */
const START = [0xff, 0x4f, 0xff, 0x51];
/** Bytes of SIZ up to the first component's, with the markers. */
const SIZE_BYTES = 45;
/** More than any film has; OpenJPEG allocates for each before it decodes one. */
const MOST_TILES = 4096;

/**
 * Decodes JPEG 2000 (ITU-T T.800), lossless and lossy, with OpenJPEG.
 *
 * @throws {Error} If the stream is damaged, cut, or contradicts the frame.
 */
export async function decodeJpeg2000(bytes: Uint8Array, frame: Frame): Promise<Samples> {
  const stream = readSize(bytes);
  checkStream(stream, frame);
  if (!(stream.tiles <= MOST_TILES)) throw new Error(`it has ${stream.tiles} tiles`);
  if (stream.signed && !frame.signed) {
    throw new Error("its values are signed, but the header says they are not");
  }
  if (!hasEndMarker(bytes)) throw new Error("it ends early");
  const { width, height, precision } = stream;
  const words = await openjpeg.decode(bytes, width * height, precision <= 8 ? 1 : 2);
  return toSamples(words, frame);
}

/** Reads the marker SIZ (T.800, A.5.1). */
function readSize(bytes: Uint8Array): StreamHeader & { signed: boolean; tiles: number } {
  let start = 0;
  const last = bytes.length - SIZE_BYTES;
  while (start <= last && START.some((byte, i) => bytes[start + i] !== byte)) start++;
  if (start > last) throw new Error("it is no JPEG 2000 stream");
  const view = new DataView(bytes.buffer, bytes.byteOffset + start);
  const [right, bottom, left, top] = [8, 12, 16, 20].map((at) => view.getUint32(at)) as Numbers;
  const [tileWidth, tileHeight, tileLeft, tileTop] = [24, 28, 32, 36].map((at) =>
    view.getUint32(at)
  ) as Numbers;
  const tiles = Math.ceil((right - tileLeft) / tileWidth) *
    Math.ceil((bottom - tileTop) / tileHeight);
  const depth = view.getUint8(42);
  if (view.getUint8(43) !== 1 || view.getUint8(44) !== 1) throw new Error("it is subsampled");
  return {
    width: right - left,
    height: bottom - top,
    components: view.getUint16(40),
    precision: (depth & 0x7f) + 1,
    signed: depth >= 0x80,
    tiles,
  };
}

type Numbers = [number, number, number, number];
