import dicomParser from "dicom-parser";
import type { DataSet, Element } from "dicom-parser";
import { inflateRawSync } from "node:zlib";
import { damagedAdvice, DicomError, imageError, thrownText } from "./dicom_error.ts";
import { type DicomMetadata, gatherMetadata } from "./metadata.ts";

/** A DICOM file that was parsed and found whole, its pixels not decoded yet. */
export interface DicomFile {
  /** The path, or the name given for bytes in memory. */
  name: string;
  metadata: DicomMetadata;
  dataSet: DataSet;
  pixelData: Element;
}

/** More pixels than any radiograph has; a header that asks for more is damaged. */
export const maximumPixels = 2 ** 26;

/** Bytes: room for the pixels at 16 bits, and as much again for all else. */
export const largestFile = 4 * maximumPixels;

/**
 * Parses a DICOM Part 10 file and checks that it is whole: a truncated file is found here, before
 * anything is decoded.
 *
 * @param bytes The file's content.
 * @param name Its path, for messages.
 * @throws {DicomError} If it is not DICOM, is truncated or damaged, or holds no image.
 */
export function parseDicom(bytes: Uint8Array, name: string): DicomFile {
  const dataSet = parseDataSet(bytes, name);
  const metadata = readMetadata(dataSet, bytes, name);
  const file = { name, metadata };
  const pixelData = dataSet.elements.x7fe00010;
  if (!pixelData || (pixelData.length === 0 && !pixelData.fragments?.length)) {
    throw imageError(
      file,
      "it has no pixel data (7FE0,0010): it was cut off, or it is not an image",
      damagedAdvice,
    );
  }
  const { rows, columns } = metadata;
  if (rows === 0 || columns === 0) {
    throw imageError(file, `its size is ${columns}x${rows}`, "exclude the file");
  }
  if (rows * columns > maximumPixels) {
    throw imageError(
      file,
      `its size of ${columns}x${rows} is above the limit of ${maximumPixels} pixels`,
      "exclude the file, or shrink the image",
    );
  }
  return { name, metadata, dataSet, pixelData };
}

function readMetadata(dataSet: DataSet, bytes: Uint8Array, name: string): DicomMetadata {
  try {
    return gatherMetadata(dataSet);
  } catch (thrown) {
    throw damaged(name, thrownText(thrown), bytes, thrown);
  }
}

function parseDataSet(bytes: Uint8Array, name: string): DataSet {
  const magic = String.fromCharCode(...bytes.subarray(128, 132));
  if (magic !== "DICM") {
    const found = bytes.length < 132 ? `it has only ${bytes.length} bytes` : "'DICM' is not there";
    throw new DicomError(
      name,
      `it is no DICOM file (at byte 128, ${found})`,
      "give the path of a DICOM file",
    );
  }
  let dataSet: DataSet;
  try {
    dataSet = dicomParser.parseDicom(bytes, { inflater });
  } catch (thrown) {
    throw damaged(name, thrownText(thrown), bytes, thrown);
  }
  if (dataSet.warnings.length > 0) throw damaged(name, dataSet.warnings.join("; "), bytes);
  return dataSet;
}

/** The error for a file that cannot be parsed; it names the transfer syntax if that can be read. */
function damaged(name: string, why: string, bytes: Uint8Array, cause?: unknown): DicomError {
  const reason = `it is truncated or damaged (${why})`;
  try {
    const header = dicomParser.readPart10Header(bytes);
    const transferSyntax = header.string("x00020010")?.trim() ?? "";
    return imageError({ name, metadata: { transferSyntax } }, reason, damagedAdvice, cause);
  } catch {
    return new DicomError(name, reason, damagedAdvice, cause);
  }
}

/** dicom-parser wants the plain header and the inflated rest in one piece. */
function inflater(bytes: Uint8Array, position: number): Uint8Array {
  const rest = inflateRawSync(bytes.subarray(position), { maxOutputLength: largestFile }); // more is a bomb
  const whole = new Uint8Array(position + rest.length);
  whole.set(bytes.subarray(0, position));
  whole.set(rest, position);
  return whole;
}
