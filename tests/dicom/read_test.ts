import { Buffer } from "node:buffer";
import { constants, deflateRawSync } from "node:zlib";
import sharp from "sharp";
import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import {
  decodeDicom,
  deterministicUid,
  DicomError,
  type DicomIdentity,
  type DicomImage,
  encodeDicom,
  encodeJpeg,
  parseDicom,
  readDicom,
  readDicomMetadata,
  transferSyntaxName,
} from "@/dicom/mod.ts";
import fixtures from "./pydicom_fixtures.json" with { type: "json" };

const identity: DicomIdentity = {
  patientId: "patient-1",
  studyInstanceUid: deterministicUid("study"),
  seriesInstanceUid: deterministicUid("series"),
  sopInstanceUid: deterministicUid("image"),
  sex: "M",
  age: "62",
  view: "PA",
};

const width = 51;
const height = 40;
const grey = Uint8Array.from(
  { length: width * height },
  (_, i) => Math.round(127 + 100 * Math.sin((i % width) / 9) * Math.cos(i / width / 11)),
);
const jpeg = await encodeJpeg(grey, width, height);
const jpegFile = encodeDicom({ pixels: { jpeg }, width, height }, identity);
const plainFile = encodeDicom({ pixels: grey, width, height }, identity);

async function decode(bytes: Uint8Array, name = "film.dcm") {
  return await decodeDicom(parseDicom(bytes, name));
}

function fixture(name: string): Uint8Array {
  const { base64 } = fixtures.find((one) => one.name === name)!;
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

Deno.test("readDicom() returns what encodeDicom() was given, uncompressed", async () => {
  const film = await decode(plainFile);
  assertEquals([film.width, film.height], [width, height]);
  assertEquals(film.pixels, grey);
});

Deno.test("readDicom() decodes a JPEG film as libjpeg does, near the original", async () => {
  const film = await decode(jpegFile);
  const decoded = await sharp(jpeg).extractChannel(0).raw().toBuffer();
  assertEquals(film.pixels, new Uint8Array(decoded));
  const worst = Math.max(...film.pixels.map((pixel, i) => Math.abs(pixel - grey[i]!)));
  assertEquals(worst <= 6, true, `worst difference ${worst}`);
});

Deno.test("readDicom() takes zeros behind the last pixel as padding", async () => {
  assertEquals((await decode(withMorePixels(plainFile, [0, 0, 0, 0]))).pixels, grey);
});

Deno.test("readDicom() inverts MONOCHROME1 last", async () => {
  const image: DicomImage = {
    pixels: grey,
    width,
    height,
    photometricInterpretation: "MONOCHROME1",
  };
  const film = await decode(encodeDicom(image, identity));
  assertEquals(film.pixels, grey.map((pixel) => 255 - pixel));
});

for (const { name, pixels, ...size } of fixtures) {
  if (!pixels) continue;
  Deno.test(`readDicom() equals pydicom and PS3.3's formula: ${name}`, async () => {
    const film = await decode(fixture(name));
    assertEquals([film.width, film.height], [size.width, size.height]);
    assertEquals([...film.pixels], pixels);
  });
}

Deno.test("readDicomMetadata() returns the header of a film like the competition's", async () => {
  const path = await Deno.makeTempFile({ suffix: ".dcm" });
  try {
    await Deno.writeFile(path, jpegFile);
    const metadata = await readDicomMetadata(path);
    assertEquals(metadata, {
      sopInstanceUid: identity.sopInstanceUid,
      patientId: "patient-1",
      sex: "M",
      age: 62,
      view: "PA",
      pixelSpacing: { row: 0.168, column: 0.168 },
      transferSyntax: "1.2.840.10008.1.2.4.50",
      photometricInterpretation: "MONOCHROME2",
      rows: height,
      columns: width,
      samplesPerPixel: 1,
      frames: 1,
      bitsAllocated: 8,
      bitsStored: 8,
      highBit: 7,
      signed: false,
      rescale: { slope: 1, intercept: 0 },
      window: undefined,
    });
    assertEquals((await readDicom(path)).metadata, metadata);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("readDicomMetadata() reads what pydicom wrote, and leaves out what is missing", () => {
  const { metadata } = parseDicom(
    fixture("implicit, 12 of 16 bits, signed, two windows"),
    "film.dcm",
  );
  assertEquals(metadata.age, 8 / 12);
  assertEquals(metadata.sex, "F");
  assertEquals(metadata.pixelSpacing, { row: 0.2, column: 0.3 });
  assertEquals(metadata.rescale, { slope: 2, intercept: -100 });
  assertEquals(metadata.window, { center: 40, width: 1500 });
  assertEquals([metadata.bitsStored, metadata.signed], [12, true]);
  const { patientId, studyInstanceUid, seriesInstanceUid, sopInstanceUid } = identity;
  const bare = encodeDicom(
    { pixels: grey, width, height },
    { patientId: "", studyInstanceUid, seriesInstanceUid, sopInstanceUid },
  );
  assertEquals(patientId.length > 0, true);
  const missing = parseDicom(bare, "film.dcm").metadata;
  assertEquals(
    [missing.patientId, missing.sex, missing.age, missing.view],
    [undefined, undefined, undefined, undefined],
  );
});

/** Overwrites the two-byte value of an element written by `encodeDicom`. */
function withUint16(file: Uint8Array, group: number, element: number, value: number): Uint8Array {
  const changed = file.slice();
  const view = new DataView(changed.buffer);
  const position = findElement(changed, group, element);
  view.setUint16(position + 8, value, true);
  return changed;
}

function findElement(file: Uint8Array, group: number, element: number): number {
  const view = new DataView(file.buffer, file.byteOffset);
  for (let i = 132; i + 4 < file.length; i++) {
    if (view.getUint16(i, true) === group && view.getUint16(i + 2, true) === element) return i;
  }
  throw new Error("No such element");
}

const pixelData = findElement(jpegFile, 0x7fe0, 0x0010);
const damaged = "truncated or damaged";
const text = new TextEncoder().encode("ImageId, EncodedPixels\n".repeat(40));
const png = new Uint8Array(
  await sharp({ create: { width: 90, height: 90, channels: 3, background: "red" } }).png()
    .toBuffer(),
);
const otherJpeg = { jpeg: await encodeJpeg(grey, height, width) };
const noise = new Uint8Array(jpeg.length).fill(0x55);
const early = jpegFile.slice();
early.set([0xff, 0xd9], early.length - 250); // JPEG's end of image

/** Adds bytes to uncompressed pixels, which stand at the file's end. */
function withMorePixels(file: Uint8Array, more: number[]): Uint8Array {
  const longer = Uint8Array.of(...file, ...more);
  const at = findElement(longer, 0x7fe0, 0x0010) + 8;
  const view = new DataView(longer.buffer);
  view.setUint32(at, view.getUint32(at, true) + more.length, true);
  return longer;
}

/** A deflated file of 300 kB that becomes 300 MB: a flushed block of zeros, again and again. */
function deflatedBomb(): Uint8Array {
  const start = fixture("deflated, 8 bits, window");
  const meta = start.subarray(0, 144 + new DataView(start.buffer).getUint32(140, true));
  const block = deflateRawSync(new Uint8Array(2 ** 20), { finishFlush: constants.Z_FULL_FLUSH });
  return Buffer.concat([meta, ...new Array(300).fill(block)]);
}

const badFiles: [name: string, bytes: Uint8Array, message: string][] = [
  ["nothing", new Uint8Array(0), "it has only 0 bytes"],
  ["100 bytes", jpegFile.slice(0, 100), "it has only 100 bytes"],
  ["zeros", new Uint8Array(4096), "it is no DICOM file"],
  ["text", text, "it is no DICOM file"],
  ["a PNG", png, "it is no DICOM file"],
  ["cut after the magic word", jpegFile.slice(0, 140), damaged],
  ["cut in the file meta information", jpegFile.slice(0, 200), damaged],
  ["cut in the header", jpegFile.slice(0, pixelData - 21), damaged],
  ["cut between two elements", jpegFile.slice(0, pixelData), "no pixel data"],
  ["cut in the pixels", jpegFile.slice(0, pixelData + 300), damaged],
  ["cut by one byte", jpegFile.slice(0, -1), damaged],
  ["cut before the sequence's end", jpegFile.slice(0, -8), damaged],
  ["cut in uncompressed pixels", plainFile.slice(0, -100), damaged],
  [
    "fewer rows in the JPEG",
    withUint16(jpegFile, 0x28, 0x10, height + 8),
    "its stream is 51x40, but",
  ],
  ["more rows than pixels", withUint16(plainFile, 0x28, 0x10, height + 8), "has 2040 bytes, but"],
  ["fewer rows than pixels", withUint16(plainFile, 0x28, 0x10, height - 8), "has 2040 bytes, but"],
  ["pixels behind the last", withMorePixels(plainFile, [0, 0, 0, 9]), "has 2044 bytes, but"],
  ["a deflated bomb", deflatedBomb(), "damaged (Cannot create a Buffer larger than"],
  ["no rows", withUint16(plainFile, 0x28, 0x10, 0), "its size is 51x0"],
  [
    "an absurd size",
    withUint16(withUint16(plainFile, 0x28, 0x10, 65535), 0x28, 0x11, 65535),
    "above the limit",
  ],
  [
    "a JPEG of another shape",
    encodeDicom({ pixels: otherJpeg, width, height }, identity),
    "its stream is 40x51, but the header says 51x40",
  ],
  [
    "no JPEG in the fragment",
    encodeDicom({ pixels: { jpeg: noise }, width, height }, identity),
    "it does not begin as a JPEG stream does",
  ],
  [
    "a PNG in the fragment",
    encodeDicom({ pixels: { jpeg: png }, width: 90, height: 90 }, identity),
    "it does not begin as a JPEG stream does",
  ],
  ["a JPEG that ends early", early, "premature end of data segment"],
  ["24 bits", withUint16(plainFile, 0x28, 0x100, 24), "allocated 24, stored 8"],
  ["a high bit elsewhere", withUint16(plainFile, 0x28, 0x102, 6), "high bit 6"],
  [
    "a window without width",
    encodeDicom({ pixels: grey, width, height, window: { center: 1, width: 0 } }, identity),
    "its width must be at least 1: it is 0",
  ],
  ["colour", fixture("RGB"), "not a grey image (RGB, 3 samples per pixel)"],
  ["frames", fixture("three frames"), "it has 3 frames"],
  ["a colour JPEG", fixture("JPEG in colour under a grey header"), "its stream has 3 channels"],
];

for (const [name, bytes, message] of badFiles) {
  Deno.test(`readDicom() refuses ${name}, naming the file and the reason`, async () => {
    const error = await assertRejects(
      async () => await decode(bytes, "folder/bad.dcm"),
      DicomError,
      message,
    );
    assertInstanceOf(error, DicomError);
    assertEquals(error.path, "folder/bad.dcm");
    assertStringIncludes(error.message, "Cannot read folder/bad.dcm as ");
    assertStringIncludes(error.reason, message);
  });
}

Deno.test("readDicom() refuses every truncation of a film", async () => {
  for (let length = 0; length < jpegFile.length; length += 7) {
    await assertRejects(async () => await decode(jpegFile.slice(0, length)), DicomError);
  }
});

Deno.test("readDicom() leaves a missing file to the caller", async () => {
  await assertRejects(() => readDicom("no/such/film.dcm"), Deno.errors.NotFound);
});

Deno.test("transferSyntaxName() adds the name if it knows one", () => {
  assertEquals(
    transferSyntaxName("1.2.840.10008.1.2.4.90"),
    "1.2.840.10008.1.2.4.90 (JPEG 2000 Lossless)",
  );
  assertEquals(transferSyntaxName("1.2.3"), "1.2.3 (unknown)");
});
