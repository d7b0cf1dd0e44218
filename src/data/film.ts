/** Rows and columns of every film and mask of the competition. */
export const FILM_SIZE = 1024;

/** One readable DICOM file and what its header says. */
export interface FilmFile {
  /** The file's name without `.dcm`; the key of the CSV files. Safe to use in a file name. */
  imageId: string;
  /** Where the DICOM file is. */
  path: string;
  /** Size of the DICOM file. */
  bytes: number;
  /** PatientID, or the ImageId where the header has none, so that films group by patient. */
  patientId: string;
  sex?: "M" | "F" | undefined;
  /** Years. */
  age?: number | undefined;
  /** ViewPosition, in this competition PA (standing) or AP (often in bed). */
  view?: string | undefined;
  /** Millimetres between the centres of neighbouring rows and columns. */
  pixelSpacing?: { row: number; column: number } | undefined;
  /** Only where the film is not {@linkcode FILM_SIZE} square; such a film can only be predicted. */
  shape?: { width: number; height: number };
}

/** A film with its annotation. */
export interface Film extends FilmFile {
  /** The run lengths of each of its annotation rows, see `decodeRle`. */
  rows: readonly string[];
  /** Whether any pixel is annotated. */
  positive: boolean;
  /** Annotated pixels of the 1024 x 1024 film, rows united. */
  area: number;
}

/** A film that is left out, and why. */
export interface Excluded {
  imageId: string;
  path?: string;
  reason: string;
}

/**
 * Whether a text can be an ImageId: letters, digits, `.`, `_` and `-`, starting with a letter or a
 * digit. Anything else, such as `../../x`, could leave a folder when used in a file name.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { isImageId } from "@/data/mod.ts";
 *
 * assertEquals(isImageId("case_01"), true);
 * assertEquals(isImageId("../../case_01"), false);
 * ```
 */
export function isImageId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(text);
}
