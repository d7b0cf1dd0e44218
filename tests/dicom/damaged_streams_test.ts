import { assert, assertEquals, assertRejects } from "@std/assert";
import { DicomError, parseDicom, readSamples } from "@/dicom/mod.ts";
import vectors from "./vectors.json" with { type: "json" };

/** A file of vectors.json. */
function fileOf(name: string): Uint8Array {
  const { base64 } = vectors.find((vector) => vector.name === name)!;
  return Uint8Array.from(atob(base64!), (character) => character.charCodeAt(0));
}

/** The file with its compressed stream changed in place; the length stays. */
function withStream(name: string, change: (stream: Uint8Array) => void): Uint8Array {
  const bytes = fileOf(name);
  const { position, length } = parseDicom(bytes, name).pixelData.fragments![0]!;
  change(bytes.subarray(position, position + length));
  return bytes;
}

/** The file with the last `count` bytes of its stream zeroed, as if it were cut and padded. */
const cut = (name: string, count: number) =>
  withStream(name, (stream) => void stream.fill(0, stream.length - count));

function indexOf(bytes: Uint8Array, ...wanted: number[]): number {
  const at = bytes.findIndex((_, i) => wanted.every((byte, k) => bytes[i + k] === byte));
  assert(at >= 0);
  return at;
}

/** Sets a 16-bit big endian number some bytes behind a marker of the stream. */
function withNumber(name: string, marker: number, offset: number, value: number): Uint8Array {
  return withStream(name, (stream) => {
    const at = indexOf(stream, 0xff, marker) + offset;
    new DataView(stream.buffer, stream.byteOffset).setUint16(at, value);
  });
}

const baseline = "JPEG Baseline";
const extended = "JPEG Extended, 12 bits, quality 95";
const lossless = "JPEG Lossless, predictor 1, 12 bits";
const jpegLs = "JPEG-LS, 12 bits";
const jpeg2000 = "JPEG 2000, 12 bits";
const rle = "RLE, 16 bits";
const SOF0 = 0xc0, SOF1 = 0xc1, SOF3 = 0xc3, SOF55 = 0xf7, DHT = 0xc4, DQT = 0xdb, SIZ = 0x51;

const bad: [what: string, bytes: Uint8Array, message: string][] = [
  ["a baseline stream of absurd size", withNumber(baseline, SOF0, 7, 65535), "is 65535x11, but"],
  ["an extended stream of absurd size", withNumber(extended, SOF1, 5, 65535), "is 17x65535, but"],
  ["an extended stream that is cut", cut(extended, 40), "it ends early"],
  [
    "an extended stream without its quantization table",
    withStream(extended, (stream) => stream[indexOf(stream, 0xff, DQT) + 4] = 3),
    "Quantization table 0x00 was not defined",
  ],
  [
    "an extended stream without its Huffman table",
    withStream(extended, (stream) => stream[indexOf(stream, 0xff, DHT) + 4] = 3),
    "Corrupt JPEG data",
  ],
  [
    "a Huffman table with too many codes",
    withStream(lossless, (stream) => stream[indexOf(stream, 0xff, DHT) + 5] = 3),
    "Bogus Huffman table definition",
  ],
  ["a lossless stream of absurd size", withNumber(lossless, SOF3, 7, 65535), "is 65535x11, but"],
  ["a lossless stream that is cut", cut(lossless, 40), "it ends early"],
  ["a JPEG-LS stream of absurd size", withNumber(jpegLs, SOF55, 7, 65535), "is 65535x11, but"],
  ["a JPEG-LS stream that is cut", cut(jpegLs, 40), "it ends early"],
  [
    "a JPEG-LS stream in the place of a lossless one",
    withStream(lossless, (stream) => stream[indexOf(stream, 0xff, SOF3) + 1] = SOF55),
    "it is of process 55",
  ],
  ["a JPEG 2000 stream of absurd size", withNumber(jpeg2000, SIZ, 6, 65535), "but the header says"],
  ["a JPEG 2000 stream with absurdly many tiles", withNumber(jpeg2000, SIZ, 24, 0), "tiles"],
  ["a JPEG 2000 stream of several channels", withNumber(jpeg2000, SIZ, 38, 3), "has 3 channels"],
  ["a JPEG 2000 stream that is cut", cut(jpeg2000, 40), "it ends early"],
  [
    "a JPEG 2000 stream without beginning",
    withStream(jpeg2000, (stream) => stream[0] = 0),
    "it is no JPEG 2000 stream",
  ],
  [
    "signed values under an unsigned header",
    withStream(jpeg2000, (stream) => stream[indexOf(stream, 0xff, SIZ) + 40]! |= 0x80),
    "its values are signed",
  ],
  ["RLE of one segment for two bytes", withStream(rle, (s) => s[0] = 1), "it has 1 segments"],
  ["RLE with a segment outside", withStream(rle, (s) => s[6] = 1), "segment 1 lies at"],
  ["RLE with segments in turned order", withStream(rle, (s) => s[4] = s[8]! + 2), "lies at"],
  ["RLE with a run that is too long", withStream(rle, (s) => s[64] = 127), "passes the end"],
  ["RLE that is too short", withStream(rle, (s) => s.fill(128, 64)), "a segment ends after 0"],
];

for (const [what, bytes, message] of bad) {
  Deno.test(`readSamples() refuses ${what}`, async () => {
    const read = async () => await readSamples(parseDicom(bytes, "bad.dcm"));
    const error = await assertRejects(read, DicomError, message);
    assert(
      /^Cannot read bad\.dcm as .* \[1\.2\.840\.10008\.1\.2\.[.\d]+ \(.*\)\]: /.test(error.message),
    );
  });
}

Deno.test("readSamples() goes on after a stream that a codec could not decode", async () => {
  for (const name of [jpegLs, jpeg2000]) {
    const damaged = withStream(name, (stream) => void stream.fill(0x5a, 80, stream.length - 2));
    for (let i = 0; i < 3; i++) {
      await readSamples(parseDicom(damaged, "bad.dcm")).catch((error) =>
        assert(error instanceof DicomError)
      );
      const { stored } = vectors.find((vector) => vector.name === name)!;
      const samples = await readSamples(parseDicom(fileOf(name), "good.dcm"));
      assertEquals(samples.join(" "), stored);
    }
  }
});
