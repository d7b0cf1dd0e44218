import type { Samples } from "./display.ts";
import { checkStream, type Frame, hasEndMarker, toSamples } from "./frame.ts";
import { EntropyReader, type HuffmanLookup, huffmanLookup } from "./jpeg_entropy.ts";
import { parseJpeg } from "./jpeg_stream.ts";

const BLOCK = 8;

/** Where in a block, row by row, the coefficients of the zigzag order stand (T.81, figure A.6). */
const ZIGZAG = zigzag();

/** COSINES[x * 8 + u] = c(u) / 2 * cos((2x + 1) u pi / 16), with c(0) = sqrt(1/2), else 1. */
const COSINES = Float64Array.from({ length: BLOCK * BLOCK }, (_, i) => {
  const x = Math.floor(i / BLOCK);
  const u = i % BLOCK;
  return (u === 0 ? Math.SQRT1_2 : 1) / 2 * Math.cos((2 * x + 1) * u * Math.PI / 16);
});

/**
 * Decodes JPEG Extended, of 12 bits (or 8): sequential DCT with Huffman coding (ITU-T T.81, annex F). No
 * package for it is known; libjpeg builds for JavaScript hold 8 bits.
 *
 * @throws {Error} If the stream is of another kind, damaged, cut, or contradicts the frame.
 */
export function decodeJpegExtended(bytes: Uint8Array, frame: Frame): Samples {
  const stream = parseJpeg(bytes);
  checkStream(stream, frame);
  if (!hasEndMarker(bytes)) throw new Error("it ends early");
  const { scan, precision, width, height, restartInterval } = stream;
  if (stream.process > 1 || (precision !== 8 && precision !== 12)) {
    throw new Error(
      `it is of process ${stream.process} with ${precision} bits, not sequential with 8 or 12`,
    );
  }
  if (scan.components !== 1 || scan.start !== 0 || scan.end !== 63) {
    throw new Error(`its scan has the coefficients ${scan.start} to ${scan.end}, not 0 to 63`);
  }
  const quantization = stream.quantization.get(scan.quantizationTable);
  if (!quantization) throw new Error("its quantization table is missing");
  const dc = huffmanLookup(stream.huffman.get(scan.dcTable));
  const ac = huffmanLookup(stream.huffman.get(16 + scan.acTable));
  const reader = new EntropyReader(bytes, scan.data);
  const across = Math.ceil(width / BLOCK);
  const blocks = across * Math.ceil(height / BLOCK);
  const words = new Uint16Array(width * height);
  const coefficients = new Float64Array(BLOCK * BLOCK);
  const pixels = new Float64Array(BLOCK * BLOCK);
  const middle = 2 ** (precision - 1);
  const highest = 2 ** precision - 1;
  let previous = 0;
  for (let block = 0; block < blocks; block++) {
    if (restartInterval > 0 && block > 0 && block % restartInterval === 0) {
      reader.restart();
      previous = 0;
    }
    previous = readBlock(reader, { dc, ac, quantization, previous }, coefficients);
    inverseCosineTransform(coefficients, pixels);
    const left = (block % across) * BLOCK;
    const top = Math.floor(block / across) * BLOCK;
    for (let y = top; y < Math.min(top + BLOCK, height); y++) {
      for (let x = left; x < Math.min(left + BLOCK, width); x++) {
        const value = Math.round(pixels[(y - top) * BLOCK + x - left]!) + middle;
        words[y * width + x] = Math.min(Math.max(value, 0), highest);
      }
    }
  }
  return toSamples(words, frame);
}

/** Fills `coefficients` with a block's, dequantized; returns the DC coefficient before that. */
function readBlock(
  reader: EntropyReader,
  tables: {
    dc: HuffmanLookup;
    ac: HuffmanLookup;
    quantization: Uint16Array;
    previous: number;
  },
  coefficients: Float64Array,
): number {
  const { quantization } = tables;
  coefficients.fill(0);
  const dc = tables.previous + reader.difference(sizeOf(reader.code(tables.dc)));
  coefficients[0] = dc * quantization[0]!;
  let k = 1;
  while (k < 64) {
    const code = reader.code(tables.ac);
    const size = code & 15;
    const zeros = code >> 4;
    if (size === 0 && zeros !== 15) break; // the end of the block
    k += zeros;
    if (k > 63) throw new Error("a block has more than 64 coefficients");
    coefficients[ZIGZAG[k]!] = reader.difference(size) * quantization[k]!;
    k++;
  }
  return dc;
}

function sizeOf(code: number): number {
  if (code > 15) throw new Error(`a difference has ${code} bits`);
  return code;
}

/** T.81, A.3.3, along the rows and then along the columns. */
function inverseCosineTransform(coefficients: Float64Array, pixels: Float64Array): void {
  const rows = new Float64Array(BLOCK * BLOCK); // [v, x]
  for (let v = 0; v < BLOCK; v++) {
    for (let x = 0; x < BLOCK; x++) {
      let sum = 0;
      for (let u = 0; u < BLOCK; u++) sum += coefficients[v * BLOCK + u]! * COSINES[x * BLOCK + u]!;
      rows[v * BLOCK + x] = sum;
    }
  }
  for (let y = 0; y < BLOCK; y++) {
    for (let x = 0; x < BLOCK; x++) {
      let sum = 0;
      for (let v = 0; v < BLOCK; v++) sum += rows[v * BLOCK + x]! * COSINES[y * BLOCK + v]!;
      pixels[y * BLOCK + x] = sum;
    }
  }
}

/** Diagonals from the upper left corner, every other one turned. */
function zigzag(): number[] {
  const order: number[] = [];
  for (let sum = 0; sum <= 2 * (BLOCK - 1); sum++) {
    const diagonal: number[] = [];
    for (let y = Math.max(0, sum - BLOCK + 1); y <= Math.min(sum, BLOCK - 1); y++) {
      diagonal.push(y * BLOCK + sum - y);
    }
    order.push(...(sum % 2 === 0 ? diagonal.reverse() : diagonal));
  }
  return order;
}
