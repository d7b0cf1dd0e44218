import { readFileUpTo } from "@/files/mod.ts";
import { DicomError, imageError, thrownText } from "./dicom_error.ts";
import { toDisplay } from "./display.ts";
import { gatherDisplayOptions } from "./display_options.ts";
import type { DicomMetadata } from "./metadata.ts";
import { type DicomFile, largestFile, parseDicom } from "./parse.ts";
import { readSamples } from "./samples.ts";

/** A radiograph, ready for display. */
export interface Film {
  /** Grey levels, 0 black to 255 white, row by row. */
  pixels: Uint8Array; // [height * width]
  width: number;
  height: number;
  metadata: DicomMetadata;
}

/**
 * Reads a film: one grey frame of 8 or 16 bits. README.md in this folder lists the transfer syntaxes.
 *
 * @param path A DICOM file.
 * @throws {DicomError} If it is damaged, is no grey single-frame image, contradicts itself, or
 * is compressed otherwise.
 * @throws {Deno.errors.NotFound} If there is no such file.
 */
export async function readDicom(path: string): Promise<Film> {
  return await decodeDicom(parseDicom(await readDicomBytes(path), path));
}

/** Decodes a parsed file; see {@linkcode readDicom}. */
export async function decodeDicom(file: DicomFile): Promise<Film> {
  const { metadata } = file;
  const samples = await readSamples(file);
  try {
    const pixels = toDisplay(samples, gatherDisplayOptions(file.dataSet, metadata));
    return { pixels, width: metadata.columns, height: metadata.rows, metadata };
  } catch (thrown) {
    const advice = "correct its window or table, or exclude it";
    throw imageError(file, thrownText(thrown), advice, thrown);
  }
}

/**
 * The metadata of a film without decoding its pixels, about 0.2 ms a file. The whole file is read
 * and its structure checked, so indexing a data set also finds every truncated file.
 *
 * @param path A DICOM file.
 * @throws {DicomError} If it is not DICOM, is truncated or damaged, or holds no image.
 */
export async function readDicomMetadata(path: string): Promise<DicomMetadata> {
  return parseDicom(await readDicomBytes(path), path).metadata;
}

/**
 * The bytes of a DICOM file, for {@linkcode parseDicom}.
 *
 * @throws {DicomError} If it is larger than any film.
 * @throws {Deno.errors.NotFound} If there is no such file.
 */
export async function readDicomBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readFileUpTo(path, largestFile);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const { size } = await Deno.stat(path);
    const reason = `it has ${size} bytes, more than any film (${largestFile})`;
    throw new DicomError(path, reason, "exclude the file", error);
  }
}
