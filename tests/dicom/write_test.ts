import sharp from "sharp";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import {
  decodeDicom,
  deterministicUid,
  type DicomIdentity,
  type DicomImage,
  encodeDicom,
  encodeJpeg,
  parseDicom,
  readDicom,
  readSamples,
  writeDicom,
} from "@/dicom/mod.ts";

const identity: DicomIdentity = {
  patientId: "p",
  studyInstanceUid: "2.25.1",
  seriesInstanceUid: "2.25.2",
  sopInstanceUid: "2.25.3",
};

const pixelTypes: [string, Uint8Array | Uint16Array | Int16Array][] = [
  ["8 bits", Uint8Array.of(0, 1, 127, 128, 254, 255)],
  ["16 bits", Uint16Array.of(0, 1, 255, 256, 32768, 65535)],
  ["signed 16 bits", Int16Array.of(-32768, -1, 0, 1, 255, 32767)],
  ["8 bits of an odd count", Uint8Array.of(9, 8, 7)],
];

for (const [name, pixels] of pixelTypes) {
  Deno.test(`encodeDicom() keeps stored values exactly: ${name}`, async () => {
    const file = encodeDicom({ pixels, width: pixels.length / 3, height: 3 }, identity);
    assertEquals(await readSamples(parseDicom(file, "film.dcm")), pixels);
    assertEquals(file.length % 2, 0);
  });
}

Deno.test("encodeDicom() writes rescale, window, spacing and stored bits", () => {
  const image: DicomImage = {
    pixels: Int16Array.of(-2048, 2047),
    width: 2,
    height: 1,
    bitsStored: 12,
    pixelSpacing: { row: 0.143, column: 0.139 },
    rescale: { slope: 0.5, intercept: -12 },
    window: { center: 40.5, width: 300 },
  };
  const { metadata } = parseDicom(encodeDicom(image, identity), "film.dcm");
  assertEquals(metadata.pixelSpacing, image.pixelSpacing);
  assertEquals(metadata.rescale, image.rescale);
  assertEquals(metadata.window, image.window);
  assertEquals([metadata.bitsAllocated, metadata.bitsStored, metadata.highBit], [16, 12, 11]);
  assertEquals(metadata.signed, true);
});

Deno.test("encodeDicom() has the oddities of the competition's files", async () => {
  const jpeg = await encodeJpeg(new Uint8Array(64).fill(90), 8, 8);
  const file = encodeDicom({ pixels: { jpeg }, width: 8, height: 8 }, { ...identity, age: "62" });
  const { dataSet, pixelData } = parseDicom(file, "film.dcm");
  assertEquals(dataSet.string("x00101010"), "62");
  assertEquals(dataSet.elements.x00200020?.length, 0);
  assertEquals(dataSet.elements.x00281050, undefined);
  assertEquals(dataSet.string("x00080016"), "1.2.840.10008.5.1.4.1.1.7");
  assertEquals(dataSet.string("x00080060"), "CR");
  assertEquals(pixelData.basicOffsetTable, []);
  assertEquals(pixelData.fragments?.length, 1);
  assertEquals(pixelData.hadUndefinedLength, true);
});

Deno.test("encodeDicom() pads a JPEG of odd length", async () => {
  const even = await encodeJpeg(new Uint8Array(64).fill(90), 8, 8);
  // A decoder ignores what follows the end of the image.
  const odd = even.length % 2 === 1 ? even : new Uint8Array([...even, 0]);
  const file = encodeDicom({ pixels: { jpeg: odd }, width: 8, height: 8 }, identity);
  assertEquals(file.length % 2, 0);
  const { pixels } = await decodeDicom(parseDicom(file, "film.dcm"));
  assertEquals([...pixels], new Array(64).fill(90));
});

Deno.test("encodeDicom() gives the same bytes for the same input", () => {
  const image: DicomImage = { pixels: Uint8Array.of(1, 2), width: 2, height: 1 };
  assertEquals(encodeDicom(image, identity), encodeDicom(image, identity));
});

Deno.test("encodeDicom() refuses contradictions", () => {
  const pixels = new Uint8Array(6);
  const bad: [DicomImage, string][] = [
    [{ pixels, width: 4, height: 2 }, "4x2 pixels are expected: there are 6"],
    [{ pixels, width: 0, height: 2 }, "sides must be whole numbers from 1 to 65535"],
    [{ pixels, width: 1.5, height: 4 }, "sides must be whole numbers"],
    [{ pixels, width: 70000, height: 1 }, "sides must be whole numbers"],
    [{ pixels, width: 3, height: 2, bitsStored: 9 }, "from 1 to 8: it is 9"],
  ];
  for (const [image, message] of bad) {
    assertThrows(() => encodeDicom(image, identity), RangeError, message);
  }
  assertThrows(
    () => encodeDicom({ pixels, width: 3, height: 2 }, { ...identity, patientId: "Müller" }),
    RangeError,
    "text must be printable ASCII",
  );
});

Deno.test("writeDicom() writes a file that readDicom() reads", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/study/series/film.dcm`;
    await writeDicom(path, { pixels: Uint8Array.of(5, 6), width: 2, height: 1 }, identity);
    assertEquals([...(await readDicom(path)).pixels], [5, 6]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("encodeJpeg() writes a baseline JPEG of one component", async () => {
  const jpeg = await encodeJpeg(new Uint8Array(64).fill(90), 8, 8);
  const header = await sharp(jpeg).metadata();
  assertEquals([header.format, header.channels, header.isProgressive], ["jpeg", 1, false]);
  await assertRejects(() => encodeJpeg(new Uint8Array(63), 8, 8), RangeError, "there are 63");
});

Deno.test("deterministicUid() depends on the name only, and conforms", () => {
  const uid = deterministicUid("a film");
  // sha256("a film") starts with the 128 bits of this number: Python's int(hexdigest()[:32], 16).
  assertEquals(uid, "2.25.312770494808790650964228653443358009370");
  assertMatch(uid, /^2\.25\.(0|[1-9]\d*)$/);
  assert(uid.length <= 64);
  assert(uid !== deterministicUid("another film"));
});
