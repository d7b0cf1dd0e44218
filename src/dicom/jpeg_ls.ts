import type { Samples } from "./display.ts";
import { checkStream, type Frame, hasEndMarker, toSamples } from "./frame.ts";
import { parseJpeg } from "./jpeg_stream.ts";
import { WasmCodec } from "./wasm_codec.ts";

const charls = new WasmCodec(
  () => import("@cornerstonejs/codec-charls/decodewasmjs"),
  "JpegLSDecoder",
);
const SOF55 = 55;

/**
 * Decodes JPEG-LS (ITU-T T.87), lossless and near-lossless, with CharLS.
 *
 * @throws {Error} If the stream is damaged, cut, or contradicts the frame.
 */
export async function decodeJpegLs(bytes: Uint8Array, frame: Frame): Promise<Samples> {
  const stream = parseJpeg(bytes);
  checkStream(stream, frame);
  if (stream.process !== SOF55) throw new Error("it is JPEG, but not JPEG-LS");
  if (!hasEndMarker(bytes)) throw new Error("it ends early");
  const { width, height, precision } = stream;
  return toSamples(await charls.decode(bytes, width * height, precision <= 8 ? 1 : 2), frame);
}
