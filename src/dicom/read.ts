import { DicomError, thrownText } from "./dicom_error.ts";
import { toDisplay } from "./display.ts";
import type { DicomMetadata } from "./metadata.ts";
import { type DicomFile, parseDicom } from "./parse.ts";
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
 * Reads a film: JPEG Baseline (the competition's), or uncompressed grey of 8 or 16 bits.
 *
 * @param path A DICOM file.
 * @throws {DicomError} If it is damaged, is no grey single-frame image, or is compressed otherwise.
 * @throws {Deno.errors.NotFound} If there is no such file.
 */
export async function readDicom(path: string): Promise<Film> {
  return await decodeDicom(parseDicom(await Deno.readFile(path), path));
}

/** Decodes a parsed file; see {@linkcode readDicom}. */
export async function decodeDicom(file: DicomFile): Promise<Film> {
  const { name, metadata } = file;
  checkDisplay(file);
  const samples = await readSamples(file);
  const { rescale, window } = metadata;
  const inverted = metadata.photometricInterpretation === "MONOCHROME1";
  try {
    const pixels = toDisplay(samples, { rescale, window, inverted });
    return { pixels, width: metadata.columns, height: metadata.rows, metadata };
  } catch (thrown) {
    throw new DicomError(name, thrownText(thrown), "correct its window, or exclude it", thrown);
  }
}

/** Refuses what would silently give other grey levels than a viewer shows. */
function checkDisplay({ name, metadata, dataSet }: DicomFile): void {
  const { elements } = dataSet;
  const reason = elements.x00283000
    ? "it has a Modality LUT Sequence, which is not implemented"
    : elements.x00283010 && !metadata.window
    ? "it has a VOI LUT Sequence, which is not implemented"
    : undefined;
  const shape = dataSet.string("x00281056")?.trim();
  if (reason) throw new DicomError(name, reason, "exclude it, or export it with a window");
  if (metadata.window && shape && shape !== "LINEAR") {
    throw new DicomError(
      name,
      `its VOI LUT Function is ${shape}, and only LINEAR is implemented`,
      "exclude it, or export it with a linear window",
    );
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
  return parseDicom(await Deno.readFile(path), path).metadata;
}
