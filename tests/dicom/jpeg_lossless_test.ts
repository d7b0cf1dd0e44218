import { assertEquals, assertRejects } from "@std/assert";
import { decodeJpegLossless } from "@/dicom/jpeg.ts";
import type { Frame } from "@/dicom/frame.ts";
import { Random } from "@/random/mod.ts";

interface Options {
  width: number;
  height: number;
  precision: number;
  predictor: number;
  /** Rows between restart markers; 0 for none. */
  restartRows: number;
  /** Bits left out at the lower end. */
  pointTransform: number;
}

/** Lossless JPEG by ITU-T T.81, annex H, with a Huffman table of 17 codes of 5 bits each. */
function encode(pixels: Uint16Array, options: Options): Uint8Array {
  const { width, height, precision, predictor, restartRows, pointTransform } = options;
  const values = pixels.map((pixel) => pixel >> pointTransform);
  const word = (value: number) => [value >> 8, value & 255];
  const out = [
    ...[0xff, 0xd8, 0xff, 0xc3, 0, 11, precision, ...word(height), ...word(width), 1, 1, 0x11, 0],
    ...[0xff, 0xc4, 0, 36, 0, 0, 0, 0, 0, 17, ...new Array(11).fill(0)],
    ...Array.from({ length: 17 }, (_, i) => i),
    ...[0xff, 0xdd, 0, 4, ...word(restartRows * width)],
    ...[0xff, 0xda, 0, 8, 1, 1, 0, predictor, 0, pointTransform],
  ];
  let bits = "";
  const flush = () => {
    bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
    for (let i = 0; i < bits.length; i += 8) {
      const byte = parseInt(bits.slice(i, i + 8), 2);
      out.push(byte, ...(byte === 0xff ? [0] : []));
    }
    bits = "";
  };
  let first = 0;
  for (let y = 0; y < height; y++) {
    if (restartRows > 0 && y > 0 && y % restartRows === 0) {
      flush();
      out.push(0xff, 0xd0 + (y / restartRows - 1) % 8);
      first = y;
    }
    for (let x = 0; x < width; x++) {
      const at = (dx: number, dy: number) => values[(y - dy) * width + x - dx]!;
      let prediction = 1 << (precision - pointTransform - 1);
      if (y > first && x > 0) {
        const [a, b, c] = [at(1, 0), at(0, 1), at(1, 1)];
        prediction = [
          a,
          b,
          c,
          a + b - c,
          a + ((b - c) >> 1),
          b + ((a - c) >> 1),
          (a + b) >> 1,
        ][predictor - 1]!;
      } else if (y > first) prediction = at(0, 1);
      else if (x > 0) prediction = at(1, 0);
      let difference = (at(0, 0) - prediction) & 0xffff;
      if (difference > 32768) difference -= 65536;
      const size = difference === 32768 ? 16 : Math.abs(difference).toString(2).length;
      const category = difference === 0 ? 0 : size;
      bits += category.toString(2).padStart(5, "0");
      if (category > 0 && category < 16) {
        const low = difference > 0 ? difference : difference + (1 << size) - 1;
        bits += low.toString(2).padStart(size, "0");
      }
    }
  }
  flush();
  return Uint8Array.from([...out, 0xff, 0xd9]);
}

function frameOf({ width, height, precision }: Options): Frame {
  const bitsAllocated = precision <= 8 ? 8 : 16;
  return { columns: width, rows: height, bitsAllocated, bitsStored: precision, signed: false };
}

const usual: Options = {
  width: 9,
  height: 7,
  precision: 12,
  predictor: 4,
  restartRows: 0,
  pointTransform: 0,
};

function noise(options: Options, random: Random): Uint16Array {
  const { width, height, precision, pointTransform } = options;
  return Uint16Array.from({ length: width * height }, () => {
    return random.integer(2 ** precision) >> pointTransform << pointTransform;
  });
}

Deno.test("decodeJpegLossless() gives back noise, with every predictor, restart and transform", async () => {
  const random = new Random(5);
  for (let i = 0; i < 200; i++) {
    const options: Options = {
      width: 1 + i % 11,
      height: 1 + i % 9,
      precision: 2 + i % 15,
      predictor: 1 + i % 7,
      restartRows: i % 4,
      pointTransform: i % 3 === 0 ? 1 : 0,
    };
    const pixels = noise(options, random);
    const decoded = await decodeJpegLossless(encode(pixels, options), frameOf(options));
    assertEquals([...decoded], [...pixels], JSON.stringify(options));
  }
});

const stream = encode(noise(usual, new Random(1)), usual);
const restarted = encode(noise(usual, new Random(1)), { ...usual, restartRows: 2 });
const other = restarted.slice();
other[other.findIndex((byte, i) => byte === 0xff && other[i + 1] === 0xd0) + 1] = 0xc0;

/** Without so many bytes before the end's marker. */
const cut = (count: number) => Uint8Array.of(...stream.subarray(0, -2 - count), 0xff, 0xd9);

const bad: [name: string, bytes: Uint8Array, frame: Frame, message: string][] = [
  ["a cut stream", stream.slice(0, -20), frameOf(usual), "it ends early"],
  ["a stream without its middle", cut(20), frameOf(usual), "premature end of data segment"],
  ["a missing restart marker", other, frameOf(usual), "found marker 0xc0 instead of RST0"],
  [
    "a fractional restart interval",
    stream.map((byte, i) => i === stream.indexOf(0xdd) + 4 ? 5 : byte),
    frameOf(usual),
    "", // libjpeg-turbo 3.1.3 gives a reason that is not the real one
  ],
  [
    "more rows in the header",
    stream,
    { ...frameOf(usual), rows: 8 },
    "its stream is 9x7, but the header says 9x8",
  ],
  [
    "fewer bits in the header",
    stream,
    { ...frameOf(usual), bitsAllocated: 8, bitsStored: 8 },
    "holds 12 bits a pixel, but the header allocates 8",
  ],
  [
    "predictor 0",
    encode(noise(usual, new Random(1)), { ...usual, predictor: 0 }),
    frameOf(usual),
    "Ss=0",
  ],
];

for (const [name, bytes, frame, message] of bad) {
  Deno.test(`decodeJpegLossless() refuses ${name}`, async () => {
    await assertRejects(() => decodeJpegLossless(bytes, frame), Error, message);
  });
}

Deno.test("decodeJpegLossless() refuses every truncation", async () => {
  for (let count = 1; count <= stream.length - 2; count++) {
    await assertRejects(() => decodeJpegLossless(stream.slice(0, -count), frameOf(usual)), Error);
    await assertRejects(() => decodeJpegLossless(cut(count), frameOf(usual)), Error);
  }
});
