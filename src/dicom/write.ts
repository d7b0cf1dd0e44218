import { writeFileAtomic } from "@/files/mod.ts";
import {
  concatenate,
  encodeElement,
  encodeFile,
  encodeItemHeader,
  encodeRows,
  type Row,
  UNDEFINED_LENGTH,
} from "./element.ts";
import { TransferSyntax } from "./transfer_syntax.ts";
import { deterministicUid } from "./uid.ts";

/** The image of a DICOM file to be written. */
export interface DicomImage {
  /** Stored values, row by row, uncompressed; or a JPEG of {@linkcode encodeJpeg}. */
  pixels: Uint8Array | Uint16Array | Int16Array | { jpeg: Uint8Array };
  width: number;
  height: number;
  /** Default: as many as the pixels' type has. */
  bitsStored?: number;
  /** Default: "MONOCHROME2". "MONOCHROME1" says that low values are white; pixels are not changed. */
  photometricInterpretation?: "MONOCHROME1" | "MONOCHROME2";
  /** In mm; default 0.168 both ways, one of the competition's; null: not known, none is written. */
  pixelSpacing?: { row: number; column: number } | null;
  /** Default: none. */
  rescale?: { slope: number; intercept: number };
  /** Default: none, as in the competition's files. */
  window?: { center: number; width: number };
}

/** Whose film it is, and which. */
export interface DicomIdentity {
  patientId: string;
  studyInstanceUid: string;
  seriesInstanceUid: string;
  sopInstanceUid: string;
  sex?: "M" | "F";
  /** Written as it is: "062Y" conforms; the competition's files hold a bare "62". */
  age?: string;
  view?: "PA" | "AP";
}

const secondaryCapture = "1.2.840.10008.5.1.4.1.1.7";

/** Says in a file which program wrote it. */
export const IMPLEMENTATION_UID = deterministicUid("pneumothorax segmentation: DICOM writer");

/**
 * Encodes a Secondary Capture film as a DICOM Part 10 file, explicit VR little endian (JPEG in one
 * fragment after an empty offset table).
 *
 * Like the competition's files, and unlike a scanner's: no window unless given, an empty Patient
 * Orientation, Modality CR under the Secondary Capture class, an age without unit if so given.
 *
 * @returns The file's bytes: the same input gives the same bytes.
 * @throws {RangeError} If size, number of pixels and bits contradict each other, or a text is not
 * ASCII.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeDicom, encodeDicom, parseDicom } from "@/dicom/mod.ts";
 *
 * const image = { pixels: Uint8Array.of(0, 255), width: 2, height: 1 };
 * const identity = {
 *   patientId: "1",
 *   studyInstanceUid: "2.25.1",
 *   seriesInstanceUid: "2.25.2",
 *   sopInstanceUid: "2.25.3",
 * };
 * const film = await decodeDicom(parseDicom(encodeDicom(image, identity), "film.dcm"));
 * assertEquals(film.pixels, image.pixels);
 * ```
 */
export function encodeDicom(image: DicomImage, identity: DicomIdentity): Uint8Array<ArrayBuffer> {
  checkImage(image);
  return encodeFile(fileMeta(image, identity), [
    encodeRows(dataElements(image, identity)),
    encodePixelData(image),
  ]);
}

/** Writes {@linkcode encodeDicom}'s bytes; the file appears whole or not at all. */
export async function writeDicom(
  path: string,
  image: DicomImage,
  identity: DicomIdentity,
): Promise<void> {
  await writeFileAtomic(path, encodeDicom(image, identity));
}

function isJpeg(pixels: DicomImage["pixels"]): pixels is { jpeg: Uint8Array } {
  return "jpeg" in pixels;
}

function bitsOf({ pixels, bitsStored }: DicomImage): { allocated: number; stored: number } {
  const allocated = isJpeg(pixels) ? 8 : 8 * pixels.BYTES_PER_ELEMENT;
  return { allocated, stored: bitsStored ?? allocated };
}

function checkImage(image: DicomImage): void {
  const { pixels, width, height } = image;
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 1 || side > 65535) {
      throw new RangeError(
        `Cannot write a DICOM file as sides must be whole numbers from 1 to 65535: ` +
          `${width}x${height}`,
      );
    }
  }
  if (!isJpeg(pixels) && pixels.length !== width * height) {
    throw new RangeError(
      `Cannot write a DICOM file as ${width}x${height} pixels are expected: ` +
        `there are ${pixels.length}`,
    );
  }
  const { allocated, stored } = bitsOf(image);
  if (!Number.isInteger(stored) || stored < 1 || stored > allocated) {
    throw new RangeError(
      `Cannot write a DICOM file as bitsStored must be a whole number from 1 to ${allocated}: ` +
        `it is ${stored}`,
    );
  }
}

function fileMeta({ pixels }: DicomImage, { sopInstanceUid }: DicomIdentity): Row[] {
  const { jpegBaseline, explicitLittleEndian } = TransferSyntax;
  return [
    [0x0002, 0x0001, "OB", new Uint8Array([0, 1])],
    [0x0002, 0x0002, "UI", secondaryCapture],
    [0x0002, 0x0003, "UI", sopInstanceUid],
    [0x0002, 0x0010, "UI", isJpeg(pixels) ? jpegBaseline : explicitLittleEndian],
    [0x0002, 0x0012, "UI", IMPLEMENTATION_UID],
  ];
}

/** Everything between the file meta information and the pixels, in the order of tags. */
function dataElements(image: DicomImage, identity: DicomIdentity): Row[] {
  const { pixels, width, height, rescale, window } = image;
  const { patientId, sex = "", age = "", view = "" } = identity;
  const bits = bitsOf(image);
  const { pixelSpacing: spacing = { row: 0.168, column: 0.168 } } = image;
  const rows: Row[] = [
    [0x0008, 0x0005, "CS", "ISO_IR 100"],
    [0x0008, 0x0016, "UI", secondaryCapture],
    [0x0008, 0x0018, "UI", identity.sopInstanceUid],
    [0x0008, 0x0020, "DA", "19010101"],
    [0x0008, 0x0030, "TM", "000000.00"],
    [0x0008, 0x0050, "SH", ""],
    [0x0008, 0x0060, "CS", "CR"],
    [0x0008, 0x0064, "CS", "WSD"],
    [0x0008, 0x0090, "PN", ""],
    [0x0008, 0x103e, "LO", `view: ${view}`],
    [0x0010, 0x0010, "PN", patientId],
    [0x0010, 0x0020, "LO", patientId],
    [0x0010, 0x0030, "DA", ""],
    [0x0010, 0x0040, "CS", sex],
    [0x0010, 0x1010, "AS", age],
    [0x0018, 0x0015, "CS", "CHEST"],
    [0x0018, 0x5101, "CS", view],
    [0x0020, 0x000d, "UI", identity.studyInstanceUid],
    [0x0020, 0x000e, "UI", identity.seriesInstanceUid],
    [0x0020, 0x0010, "SH", ""],
    [0x0020, 0x0011, "IS", "1"],
    [0x0020, 0x0013, "IS", "1"],
    [0x0020, 0x0020, "CS", ""],
    [0x0028, 0x0002, "US", 1],
    [0x0028, 0x0004, "CS", image.photometricInterpretation ?? "MONOCHROME2"],
    [0x0028, 0x0010, "US", height],
    [0x0028, 0x0011, "US", width],
    ...spacingRow(spacing),
    [0x0028, 0x0100, "US", bits.allocated],
    [0x0028, 0x0101, "US", bits.stored],
    [0x0028, 0x0102, "US", bits.stored - 1],
    [0x0028, 0x0103, "US", pixels instanceof Int16Array ? 1 : 0],
  ];
  if (window) {
    rows.push([0x0028, 0x1050, "DS", `${window.center}`], [
      0x0028,
      0x1051,
      "DS",
      `${window.width}`,
    ]);
  }
  if (rescale) {
    rows.push(
      [0x0028, 0x1052, "DS", `${rescale.intercept}`],
      [0x0028, 0x1053, "DS", `${rescale.slope}`],
      [0x0028, 0x1054, "LO", "US"],
    );
  }
  if (isJpeg(pixels)) {
    rows.push(
      [0x0028, 0x2110, "CS", "01"],
      [0x0028, 0x2114, "CS", "ISO_10918_1"],
    );
  }
  return rows;
}

function spacingRow(spacing: { row: number; column: number } | null): Row[] {
  return spacing === null ? [] : [[0x0028, 0x0030, "DS", `${spacing.row}\\${spacing.column}`]];
}

function encodePixelData({ pixels }: DicomImage): Uint8Array {
  if (!isJpeg(pixels)) {
    const even = new Uint8Array(pixels.byteLength + (pixels.byteLength % 2));
    const view = new DataView(even.buffer);
    for (let i = 0; i < pixels.length; i++) {
      if (pixels.BYTES_PER_ELEMENT === 1) view.setUint8(i, pixels[i]!);
      else view.setUint16(2 * i, pixels[i]!, true);
    }
    return encodeElement([0x7fe0, 0x0010, pixels.BYTES_PER_ELEMENT === 1 ? "OB" : "OW", even]);
  }
  const { jpeg } = pixels;
  const padding = jpeg.length % 2;
  const header = encodeElement([0x7fe0, 0x0010, "OB", new Uint8Array(0)]);
  new DataView(header.buffer).setUint32(8, UNDEFINED_LENGTH, true);
  return concatenate([
    header,
    encodeItemHeader(0xe000, 0), // the offset table, empty
    encodeItemHeader(0xe000, jpeg.length + padding),
    jpeg,
    new Uint8Array(padding),
    encodeItemHeader(0xe0dd, 0), // the sequence's end
  ]);
}
