import dicomParser from "dicom-parser";
import type { DataSet } from "dicom-parser";
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import {
  DicomError,
  type DicomFile,
  type DicomIdentity,
  type DicomImage,
  encodeDicom,
  encodeJpeg,
  encodeSegmentation,
  packBits,
  parseDicom,
  type Segmentation,
} from "@/dicom/mod.ts";

const identity: DicomIdentity = {
  patientId: "Doe^Jane",
  studyInstanceUid: "2.25.11",
  seriesInstanceUid: "2.25.12",
  sopInstanceUid: "2.25.13",
  sex: "F",
  age: "062Y",
};
const image: DicomImage = { pixels: new Uint8Array(15), width: 5, height: 3 };
// deno-fmt-ignore
const mask = Uint8Array.of(
  0, 1, 0, 0, 1,
  0, 0, 0, 1, 1,
  0, 0, 0, 0, 1,
);
const segmentation: Segmentation = {
  mask,
  algorithm: { name: "siim/5-768-swa", versions: ["run-a@final", "run-b@swa"] },
  created: new Date(2026, 0, 31, 4, 5, 6),
};

function film(changes: Partial<DicomImage> = {}, who: Partial<DicomIdentity> = {}): DicomFile {
  return parseDicom(encodeDicom({ ...image, ...changes }, { ...identity, ...who }), "film.dcm");
}

function encoded(source = film(), changes: Partial<Segmentation> = {}): DataSet {
  return dicomParser.parseDicom(encodeSegmentation(source, { ...segmentation, ...changes }));
}

/** The only item of a sequence. */
function item(dataSet: DataSet, tag: string): DataSet {
  const items = dataSet.elements[tag]?.items;
  assertEquals(items?.length, 1, tag);
  return items![0]!.dataSet!;
}

Deno.test("packBits() starts with the lowest bit and pads to whole words", () => {
  const cases: [number[], number[]][] = [
    [[1], [0b1, 0]],
    [[0, 1, 0, 0, 0, 0, 0, 1], [0b1000_0010, 0]],
    [[1, 0, 0, 0, 0, 0, 0, 0, 0, 255], [0b1, 0b10]],
    [new Array(17).fill(1), [0xff, 0xff, 1, 0]],
  ];
  for (const [pixels, packed] of cases) {
    assertEquals([...packBits(Uint8Array.from(pixels))], packed);
  }
});

Deno.test("encodeSegmentation() writes what PS3.3, A.51 demands of a binary segment", () => {
  const seg = encoded();
  const texts: [tag: string, value: string][] = [
    ["x00020002", "1.2.840.10008.5.1.4.1.1.66.4"],
    ["x00020010", "1.2.840.10008.1.2.1"],
    ["x00080008", "DERIVED\\PRIMARY"],
    ["x00080016", "1.2.840.10008.5.1.4.1.1.66.4"],
    ["x00080023", "20260131"],
    ["x00080033", "040506"],
    ["x00080060", "SEG"],
    ["x00181020", "run-a@final\\run-b@swa"],
    ["x00200011", "9001"],
    ["x00280004", "MONOCHROME2"],
    ["x00280008", "1"],
    ["x00282110", "00"],
    ["x00620001", "BINARY"],
    ["x00700080", "PNEUMOTHORAX"],
  ];
  for (const [tag, value] of texts) assertEquals(seg.string(tag), value, tag);
  const numbers: [tag: string, value: number][] = [
    ["x00280002", 1],
    ["x00280010", 3],
    ["x00280011", 5],
    ["x00280100", 1],
    ["x00280101", 1],
    ["x00280102", 0],
    ["x00280103", 0],
  ];
  for (const [tag, value] of numbers) assertEquals(seg.uint16(tag), value, tag);
  // Type 1 and 2 of the modules: there, even if empty.
  for (
    const tag of ["x00080050", "x00080090", "x00080070", "x00081090", "x00181000", "x00200020"]
  ) {
    assert(seg.elements[tag], tag);
  }
  assertEquals(seg.elements.x00200052, undefined, "no frame of reference, as the film has none");
  const tags = Object.keys(seg.elements).filter((tag) => !tag.startsWith("x0002"));
  assertEquals(tags, tags.toSorted(), "tags ascend");
});

Deno.test("encodeSegmentation() keeps the mask's pixels, first in the lowest bit", () => {
  const { x7fe00010: pixels } = encoded().elements;
  const seg = encoded();
  assertEquals(pixels!.length, 2);
  // The mask above, read right to left and from the bottom: 10000 11000 10010.
  assertEquals(seg.uint16("x7fe00010"), 0b10000_11000_10010);
});

Deno.test("encodeSegmentation() names one segment by coded concepts", () => {
  const segment = item(encoded(), "x00620002");
  assertEquals(segment.uint16("x00620004"), 1);
  assertEquals(segment.string("x00620005"), "Pneumothorax");
  assertEquals(segment.string("x00620008"), "AUTOMATIC");
  assertEquals(segment.string("x00620009"), "siim/5-768-swa");
  const concepts: [tag: string, code: string, scheme: string][] = [
    ["x00620003", "49755003", "SCT"],
    ["x0062000f", "36118008", "SCT"],
  ];
  for (const [tag, code, scheme] of concepts) {
    const concept = item(segment, tag);
    assertEquals([concept.string("x00080100"), concept.string("x00080102")], [code, scheme]);
  }
  const algorithm = item(segment, "x00620007");
  assertEquals(algorithm.string("x00660031"), "run-a@final");
  assertEquals(item(algorithm, "x0066002f").string("x00080100"), "123110");

  const finding = { code: "60046008", meaning: "Pleural effusion" };
  const other = encoded(film(), { finding });
  assertEquals(item(other, "x00620002").string("x00620005"), "Pleural effusion");
  assertEquals(item(item(other, "x00620002"), "x0062000f").string("x00080100"), "60046008");
  assertEquals(other.string("x00700080"), "PLEURAL_EFFUSION");
});

Deno.test("encodeSegmentation() refers to the film, twice, and belongs to its study", () => {
  const seg = encoded();
  assertEquals(seg.string("x0020000d"), identity.studyInstanceUid);
  assertNotEquals(seg.string("x0020000e"), identity.seriesInstanceUid);
  const series = item(seg, "x00081115");
  assertEquals(series.string("x0020000e"), identity.seriesInstanceUid);
  const derivation = item(item(seg, "x52009230"), "x00089124");
  for (const image of [item(series, "x0008114a"), item(derivation, "x00082112")]) {
    assertEquals(image.string("x00081150"), "1.2.840.10008.5.1.4.1.1.7");
    assertEquals(image.string("x00081155"), identity.sopInstanceUid);
  }
  assertEquals(item(derivation, "x00082112").string("x0028135a"), "YES");
  assertEquals(item(item(seg, "x52009230"), "x00209111").uint32("x00209157"), 1);
  assertEquals(item(item(seg, "x52009229"), "x0062000a").uint16("x0062000b"), 1);
  const dimension = item(seg, "x00209222");
  assertEquals(dimension.attributeTag("x00209165"), "x0062000b");
  assertEquals(dimension.string("x00209164"), item(seg, "x00209221").string("x00209164"));
});

Deno.test("encodeSegmentation() copies patient and study byte by byte", () => {
  const bytes = encodeDicom(image, identity);
  const at = new TextDecoder("latin1").decode(bytes).indexOf("Doe^Jane");
  bytes[at + 1] = 0xf6; // "Döe^Jane" in the film's ISO_IR 100
  const seg = encoded(parseDicom(bytes, "film.dcm"));
  assertEquals(seg.string("x00080005"), "ISO_IR 100");
  assertEquals(seg.string("x00100010"), "D\u00f6e^Jane");
  assertEquals(seg.string("x00100020"), "Doe^Jane");
  assertEquals(seg.string("x00100040"), "F");
  assertEquals(seg.string("x00101010"), "062Y");
  assertEquals(seg.string("x00080020"), "19010101");
  // The competition's bare number is no age.
  assertEquals(encoded(film({}, { age: "62" })).elements.x00101010, undefined);
});

Deno.test("encodeSegmentation() says that the film was compressed with loss, and how", async () => {
  const pixels = new Uint8Array(64 * 64).fill(90);
  const jpeg = await encodeJpeg(pixels, 64, 64);
  const source = film({ pixels: { jpeg }, width: 64, height: 64 });
  const seg = encoded(source, { mask: new Uint8Array(64 * 64).fill(1) });
  assertEquals(seg.string("x00282110"), "01");
  assertEquals(seg.string("x00282114"), "ISO_10918_1");
  const stored = jpeg.length + jpeg.length % 2;
  assertEquals(seg.string("x00282112"), (64 * 64 / stored).toFixed(2));
});

Deno.test("encodeSegmentation() makes identifiers of what it holds", () => {
  const uids = (seg: DataSet) => [seg.string("x00080018"), seg.string("x0020000e")] as const;
  const [instance, series] = uids(encoded());
  assertEquals(uids(encoded()), [instance, series]);
  // Another film of the study shares the series; another moment, model or study does not.
  assertEquals(uids(encoded(film({}, { sopInstanceUid: "2.25.99" })))[1], series);
  const others = [
    encoded(film({}, { studyInstanceUid: "2.25.98" })),
    encoded(film(), { created: new Date(2026, 0, 31, 4, 5, 7) }),
    encoded(film(), { algorithm: { name: "siim/5-768-swa", versions: ["run-c@final"] } }),
  ].map(uids);
  for (const [other, otherSeries] of others) {
    assertNotEquals(other, instance);
    assertNotEquals(otherSeries, series);
  }
  assertNotEquals(uids(encoded(film(), { mask: new Uint8Array(15).fill(1) }))[0], instance);
});

Deno.test("encodeSegmentation() refuses what is no mask of the film", () => {
  const long = "x".repeat(65);
  const bad: [Partial<Segmentation>, string][] = [
    [{ mask: new Uint8Array(14).fill(1) }, "must have the film's 5x3 pixels: it has 14"],
    [{ mask: new Uint8Array(15) }, "its mask is empty"],
    [{ algorithm: { name: "a", versions: [] } }, "it has no version"],
    [{ algorithm: { name: long, versions: ["1"] } }, "at most 64 characters"],
    [{ algorithm: { name: "a", versions: ["a\\b"] } }, "no backslash"],
    [{ finding: { code: "1", meaning: "Pleuraerguß" } }, "printable ASCII"],
  ];
  for (const [changes, message] of bad) {
    assertThrows(() => encoded(film(), changes), RangeError, message);
  }
  assertThrows(
    () => encoded(film({}, { seriesInstanceUid: "" })),
    DicomError,
    "it has no Series Instance UID, which a DICOM Segmentation must refer to",
  );
});
