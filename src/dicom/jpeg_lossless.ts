import type { Samples } from "./display.ts";
import { checkStream, type Frame, hasEndMarker, toSamples } from "./frame.ts";
import { EntropyReader, huffmanLookup } from "./jpeg_entropy.ts";
import { parseJpeg } from "./jpeg_stream.ts";

/** The value of a pixel predicted from those left, above, and above left of it, by T.81, table H.1. */
const PREDICTORS: ((left: number, above: number, corner: number) => number)[] = [
  () => 0,
  (left) => left,
  (_, above) => above,
  (_left, _above, corner) => corner,
  (left, above, corner) => left + above - corner,
  (left, above, corner) => left + ((above - corner) >> 1),
  (left, above, corner) => above + ((left - corner) >> 1),
  (left, above) => (left + above) >> 1,
];

/**
 * Decodes lossless JPEG with Huffman coding (ITU-T T.81, annex H), 2 to 16 bits, all predictors.
 *
 * The npm package for it (jpeg-lossless-decoder-js) fills what a cut stream lacks with zeros, drops
 * the point transform, and brings a bundler's binary along; the reader of bits is here anyway for
 * JPEG Extended.
 *
 * @throws {Error} If the stream is of another kind, damaged, cut, or contradicts the frame.
 */
export function decodeJpegLossless(bytes: Uint8Array, frame: Frame): Samples {
  const stream = parseJpeg(bytes);
  checkStream(stream, frame);
  if (!hasEndMarker(bytes)) throw new Error("it ends early");
  const { scan, precision, width, height, restartInterval } = stream;
  const predict = PREDICTORS[scan.start];
  if (stream.process !== 3 || scan.components !== 1 || !predict || scan.start === 0) {
    throw new Error(`it is of process ${stream.process} with predictor ${scan.start}`);
  }
  if (restartInterval % width !== 0) {
    throw new Error(`its restart interval of ${restartInterval} pixels is no number of rows`);
  }
  if (scan.low >= precision) throw new Error(`its point transform is ${scan.low}`);
  const lookup = huffmanLookup(stream.huffman.get(scan.dcTable));
  const reader = new EntropyReader(bytes, scan.data);
  const words = new Uint16Array(width * height);
  const restartRows = restartInterval / width;
  let firstRow = 0;
  for (let y = 0; y < height; y++) {
    if (restartRows > 0 && y > 0 && y % restartRows === 0) {
      reader.restart();
      firstRow = y;
    }
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const prediction = y > firstRow
        ? x > 0
          ? predict(words[i - 1]!, words[i - width]!, words[i - width - 1]!)
          : words[i - width]!
        : x > 0
        ? words[i - 1]!
        : 1 << (precision - scan.low - 1);
      const size = reader.code(lookup);
      if (size > 16) throw new Error(`a difference has ${size} bits`);
      // Size 16 stands for 32768 alone, without bits of its own.
      words[i] = prediction + (size === 16 ? 32768 : reader.difference(size));
    }
  }
  if (scan.low > 0) words.forEach((word, i) => words[i] = word << scan.low);
  return toSamples(words, frame);
}
