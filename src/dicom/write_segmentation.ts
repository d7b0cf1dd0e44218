import { createHash } from "node:crypto";
import { writeFileAtomic } from "@/files/mod.ts";
import { DicomError } from "./dicom_error.ts";
import { encodeElement, encodeFile, encodeRows, type Row } from "./element.ts";
import type { DataSet } from "dicom-parser";
import type { DicomFile } from "./parse.ts";
import { lossyMethod, TransferSyntax } from "./transfer_syntax.ts";
import { deterministicUid } from "./uid.ts";
import { IMPLEMENTATION_UID } from "./write.ts";

/** What a mask shows, as a concept of SNOMED CT. */
export interface Finding {
  /** The concept's number, for example "36118008". */
  code: string;
  /** Its meaning, at most 64 characters; viewers show it as the segment's name. */
  meaning: string;
}

/** SNOMED CT's pneumothorax. */
export const PNEUMOTHORAX: Finding = { code: "36118008", meaning: "Pneumothorax" };

/** A mask of one film, and what made it. */
export interface Segmentation {
  /** 0 or 1, row-major, of the film's own size; at least one pixel is 1. // [rows * columns] */
  mask: Uint8Array;
  /** Default: {@linkcode PNEUMOTHORAX}. */
  finding?: Finding;
  algorithm: {
    /** At most 64 characters, as all of these texts. */
    name: string;
    /** One for each model. */
    versions: readonly string[];
  };
  /** When the mask was made; part of the identifiers, so that two predictions are two objects. */
  created: Date;
}

const segmentationStorage = "1.2.840.10008.5.1.4.1.1.66.4";
const manufacturer = "Pneumothorax segmentation in TypeScript";

/** Longest text of the representation LO (PS3.5, 6.2). */
const longestText = 64;

/** After the series of the study's own images, in any viewer that sorts by number. */
const seriesNumber = "9001";

/**
 * Encodes a mask as a DICOM Segmentation (PS3.3, A.51: binary, one segment, one frame), explicit VR
 * little endian. It belongs to the film's study and patient, has a series of its own, and refers to the
 * film.
 *
 * A projection radiograph has no frame of reference. The object therefore holds none and places its
 * frame by the Derivation Image functional group: pixel for pixel on the film ("spatial locations
 * preserved"), which PS3.3, A.51 allows in place of position, orientation and pixel spacing. Pixel
 * Measures are left out: highdicom 0.28 expects a slice thickness in them, which a radiograph lacks.
 *
 * An empty mask is refused: a segment named after a finding, with nothing in it, would stand in a
 * viewer's list as if it had been found.
 *
 * @param source The film that the mask was made of.
 * @returns The file's bytes: the same input gives the same bytes.
 * @throws {RangeError} If the mask has another size than the film or is empty, or a text is too long or
 * is not ASCII.
 * @throws {DicomError} If the film lacks an identifier that must be referred to.
 */
export function encodeSegmentation(
  source: DicomFile,
  segmentation: Segmentation,
): Uint8Array<ArrayBuffer> {
  check(source, segmentation);
  const uids = identify(source, segmentation);
  return encodeFile([
    [0x0002, 0x0001, "OB", new Uint8Array([0, 1])],
    [0x0002, 0x0002, "UI", segmentationStorage],
    [0x0002, 0x0003, "UI", uids.instance],
    [0x0002, 0x0010, "UI", TransferSyntax.explicitLittleEndian],
    [0x0002, 0x0012, "UI", IMPLEMENTATION_UID],
  ], [
    encodeRows(sorted([
      ...patientAndStudy(source),
      ...seriesAndInstance(source, segmentation, uids),
      ...references(uids),
      ...imagePixels(source),
      ...segments(segmentation),
      ...functionalGroups(uids),
    ])),
    encodeElement([0x7fe0, 0x0010, "OB", packBits(segmentation.mask)]),
  ]);
}

/** Writes {@linkcode encodeSegmentation}'s bytes; the file appears whole or not at all. */
export async function writeSegmentation(
  path: string,
  source: DicomFile,
  segmentation: Segmentation,
): Promise<void> {
  await writeFileAtomic(path, encodeSegmentation(source, segmentation));
}

/**
 * Pixels of one bit, the first in the lowest bit of the first byte (PS3.5, 8.1.1 and annex D), padded
 * to an even number of bytes.
 *
 * @param mask Every value but 0 is 1.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { packBits } from "@/dicom/mod.ts";
 *
 * assertEquals(packBits(Uint8Array.of(1, 0, 1)), Uint8Array.of(0b101, 0));
 * ```
 */
export function packBits(mask: Uint8Array): Uint8Array {
  const packed = new Uint8Array(2 * Math.ceil(mask.length / 16));
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) packed[i >> 3]! |= 1 << (i & 7);
  return packed;
}

function check({ metadata }: DicomFile, { mask, finding, algorithm }: Segmentation): void {
  const { rows, columns } = metadata;
  const refuse = (why: string) => {
    throw new RangeError(`Cannot write a DICOM Segmentation as ${why}`);
  };
  if (mask.length !== rows * columns) {
    refuse(`its mask must have the film's ${columns}x${rows} pixels: it has ${mask.length}`);
  }
  if (!mask.some((value) => value !== 0)) {
    refuse("its mask is empty. Tell by other means that nothing was found");
  }
  if (algorithm.versions.length === 0) refuse("it has no version of the algorithm");
  for (
    const text of [
      finding?.code ?? "",
      finding?.meaning ?? "",
      algorithm.name,
      ...algorithm.versions,
    ]
  ) {
    if (text.length > longestText || text.includes("\\")) {
      refuse(`a text must have at most ${longestText} characters and no backslash: "${text}"`);
    }
  }
}

/** What must be referred to, of the film's header. */
const identifiers = {
  class: ["x00080016", "SOP Class UID"],
  instance: ["x00080018", "SOP Instance UID"],
  study: ["x0020000d", "Study Instance UID"],
  series: ["x0020000e", "Series Instance UID"],
} as const;

type Uids = Record<"instance" | "series" | "dimensions", string> & {
  source: Record<keyof typeof identifiers, string>;
};

function identify(file: DicomFile, { mask, algorithm, created }: Segmentation): Uids {
  const read = (kind: keyof typeof identifiers) => {
    const [tag, name] = identifiers[kind];
    const uid = file.dataSet.string(tag)?.trim();
    if (!uid) {
      throw new DicomError(
        file.name,
        `it has no ${name}, which a DICOM Segmentation must refer to`,
        "write masks as PNG instead, or repair the file's header",
      );
    }
    return uid;
  };
  const source = {
    class: read("class"),
    instance: read("instance"),
    study: read("study"),
    series: read("series"),
  };
  const made = JSON.stringify([algorithm, created.toISOString()]);
  const hash = createHash("sha256").update(mask).digest("hex");
  const series = deterministicUid(`segmentation series ${source.study} ${made}`);
  const instance = deterministicUid(`segmentation ${series} ${source.instance} ${hash}`);
  return { instance, series, dimensions: deterministicUid(`dimensions ${instance}`), source };
}

/**
 * Copied as they are, in whatever character set: [representation, tags]. Those of type 2 are written
 * empty where the film lacks them; the others only if it has them.
 */
const copied: readonly [representation: string, required: string[], optional: string[]][] = [
  ["CS", ["x00100040", "x00200020"], ["x00080005", "x00120062"]],
  ["DA", ["x00080020", "x00100030"], []],
  ["TM", ["x00080030"], []],
  ["SH", ["x00080050", "x00200010"], []],
  ["PN", ["x00080090", "x00100010"], []],
  ["LO", ["x00100020"], ["x00081030", "x00100021", "x00120063"]],
  ["UI", ["x0020000d"], []],
];

function patientAndStudy({ dataSet }: DicomFile): Row[] {
  const rows: Row[] = [];
  const row = (tag: string, representation: string) => copy(dataSet, tag, representation);
  for (const [representation, required, optional] of copied) {
    for (const tag of required) rows.push(row(tag, representation));
    for (const tag of optional) {
      if ((dataSet.elements[tag]?.length ?? 0) > 0) rows.push(row(tag, representation));
    }
  }
  // The competition's films have an age without unit, which is none.
  if (/^\d{3}[DWMY]$/.test(dataSet.string("x00101010") ?? "")) rows.push(row("x00101010", "AS"));
  return rows;
}

function seriesAndInstance(
  { dataSet }: DicomFile,
  { algorithm, created, finding = PNEUMOTHORAX }: Segmentation,
  uids: Uids,
): Row[] {
  const [date, time] = dateAndTime(created);
  return [
    [0x0008, 0x0008, "CS", "DERIVED\\PRIMARY"],
    [0x0008, 0x0012, "DA", date],
    [0x0008, 0x0013, "TM", time],
    [0x0008, 0x0016, "UI", segmentationStorage],
    [0x0008, 0x0018, "UI", uids.instance],
    [0x0008, 0x0021, "DA", date],
    [0x0008, 0x0023, "DA", date],
    [0x0008, 0x0031, "TM", time],
    [0x0008, 0x0033, "TM", time],
    [0x0008, 0x0060, "CS", "SEG"],
    [0x0008, 0x0070, "LO", manufacturer],
    [0x0008, 0x103e, "LO", `${finding.meaning} (research use only)`.slice(0, longestText)],
    [0x0008, 0x1090, "LO", algorithm.name],
    [0x0018, 0x1000, "LO", "none"],
    [0x0018, 0x1020, "LO", algorithm.versions.join("\\")],
    [0x0020, 0x000e, "UI", uids.series],
    [0x0020, 0x0011, "IS", seriesNumber],
    [0x0020, 0x0013, "IS", dataSet.string("x00200013")?.trim() || "1"],
  ];
}

function dateAndTime(moment: Date): [date: string, time: string] {
  const two = (number: number) => String(number).padStart(2, "0");
  const date = [moment.getMonth() + 1, moment.getDate()].map(two).join("");
  const time = [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(two).join("");
  return [`${moment.getFullYear()}${date}`, time];
}

/** Common Instance Reference (PS3.3, C.12.2) and Multi-frame Dimension (C.7.6.17). */
function references({ source, dimensions }: Uids): Row[] {
  const image: Row[] = [
    [0x0008, 0x1150, "UI", source.class],
    [0x0008, 0x1155, "UI", source.instance],
  ];
  return [
    [0x0008, 0x1115, "SQ", [[
      [0x0008, 0x114a, "SQ", [image]],
      [0x0020, 0x000e, "UI", source.series],
    ]]],
    [0x0020, 0x9221, "SQ", [[[0x0020, 0x9164, "UI", dimensions]]]],
    [0x0020, 0x9222, "SQ", [[
      [0x0020, 0x9164, "UI", dimensions],
      [0x0020, 0x9165, "AT", 0x0062000b], // Referenced Segment Number
      [0x0020, 0x9167, "AT", 0x0062000a], // Segment Identification Sequence
    ]]],
  ];
}

function imagePixels(file: DicomFile): Row[] {
  const { rows, columns } = file.metadata;
  return [
    [0x0028, 0x0002, "US", 1],
    [0x0028, 0x0004, "CS", "MONOCHROME2"],
    [0x0028, 0x0008, "IS", "1"],
    [0x0028, 0x0010, "US", rows],
    [0x0028, 0x0011, "US", columns],
    [0x0028, 0x0100, "US", 1],
    [0x0028, 0x0101, "US", 1],
    [0x0028, 0x0102, "US", 0],
    [0x0028, 0x0103, "US", 0],
    ...lossyCompression(file),
  ];
}

/** A mask of a film that once was compressed with loss says so, and how (PS3.3, C.7.6.1.1.5). */
function lossyCompression({ dataSet, pixelData, metadata }: DicomFile): Row[] {
  const method = lossyMethod(metadata.transferSyntax);
  if (method === undefined && dataSet.string("x00282110")?.trim() !== "01") {
    return [[0x0028, 0x2110, "CS", "00"]];
  }
  const rows: Row[] = [[0x0028, 0x2110, "CS", "01"]];
  const stored = pixelData.fragments?.reduce((sum, { length }) => sum + length, 0);
  const bytes = metadata.rows * metadata.columns * (metadata.bitsAllocated ?? 8) / 8;
  if (dataSet.elements.x00282112?.length) rows.push(copy(dataSet, "x00282112", "DS"));
  else if (stored) rows.push([0x0028, 0x2112, "DS", (bytes / stored).toFixed(2)]);
  if (dataSet.elements.x00282114?.length) rows.push(copy(dataSet, "x00282114", "CS"));
  else if (method) rows.push([0x0028, 0x2114, "CS", method]);
  return rows;
}

/** Segmentation Image (PS3.3, C.8.20.2) and Segment Description (C.8.20.4). */
function segments({ algorithm, finding = PNEUMOTHORAX }: Segmentation): Row[] {
  const version = algorithm.versions[0]!;
  return [
    [0x0062, 0x0001, "CS", "BINARY"],
    [0x0062, 0x0002, "SQ", [[
      code([0x0062, 0x0003], "49755003", "SCT", "Morphologically Abnormal Structure"),
      [0x0062, 0x0004, "US", 1],
      [0x0062, 0x0005, "LO", finding.meaning],
      [0x0062, 0x0007, "SQ", [[
        code([0x0066, 0x002f], "123110", "DCM", "Artificial Intelligence"),
        [0x0066, 0x0031, "LO", version],
        [0x0066, 0x0036, "LO", algorithm.name],
      ]]],
      [0x0062, 0x0008, "CS", "AUTOMATIC"],
      [0x0062, 0x0009, "LO", algorithm.name],
      code([0x0062, 0x000f], finding.code, "SCT", finding.meaning),
    ]]],
    [0x0070, 0x0080, "CS", finding.meaning.toUpperCase().replace(/[^A-Z0-9]+/g, "_").slice(0, 16)],
    [0x0070, 0x0081, "LO", `${finding.meaning}, found by ${algorithm.name}`.slice(0, longestText)],
    [0x0070, 0x0084, "PN", ""],
  ];
}

/** Multi-frame Functional Groups (PS3.3, C.7.6.16): where the one frame lies. */
function functionalGroups({ source }: Uids): Row[] {
  const image: Row[] = [
    [0x0008, 0x1150, "UI", source.class],
    [0x0008, 0x1155, "UI", source.instance],
    [0x0028, 0x135a, "CS", "YES"], // spatial locations preserved
    code([0x0040, 0xa170], "121322", "DCM", "Source image for image processing operation"),
  ];
  const frame: Row[] = [
    [0x0008, 0x9124, "SQ", [[
      [0x0008, 0x2112, "SQ", [image]],
      code([0x0008, 0x9215], "113076", "DCM", "Segmentation"),
    ]]],
    [0x0020, 0x9111, "SQ", [[[0x0020, 0x9157, "UL", 1]]]],
  ];
  return [
    [0x5200, 0x9229, "SQ", [[[0x0062, 0x000a, "SQ", [[[0x0062, 0x000b, "US", 1]]]]]]],
    [0x5200, 0x9230, "SQ", [frame]],
  ];
}

/** A sequence of one coded concept (PS3.3, 8.8). */
function code(
  [group, element]: readonly [number, number],
  value: string,
  scheme: "DCM" | "SCT",
  meaning: string,
): Row {
  return [group, element, "SQ", [[
    [0x0008, 0x0100, "SH", value],
    [0x0008, 0x0102, "SH", scheme],
    [0x0008, 0x0104, "LO", meaning],
  ]]];
}

/** An element of another file, its bytes as they are; empty where the file lacks it. */
function copy({ elements, byteArray }: DataSet, tag: string, representation: string): Row {
  const [group, element] = [parseInt(tag.slice(1, 5), 16), parseInt(tag.slice(5), 16)];
  const { dataOffset, length } = elements[tag] ?? { dataOffset: 0, length: 0 };
  const bytes = new Uint8Array(byteArray.subarray(dataOffset, dataOffset + length));
  return [group, element, representation, bytes];
}

function sorted(rows: Row[]): Row[] {
  return rows.sort(([a, b], [c, d]) => a - c || b - d);
}
