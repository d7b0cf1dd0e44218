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
  /**
   * Which films are of one patient: a salted hash of PatientID, another in each process, or the
   * ImageId where the header has no PatientID. What stands in the header in clear is not kept.
   */
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
  /** Without paths and without anything about the patient: it goes into the run's record. */
  reason: string;
  /** Whether something is wrong with the file or its annotation; else it is no part of the data set. */
  damaged?: boolean;
}

/**
 * Whether a text can be an ImageId: letters, digits, `.`, `_` and `-`, starting with a letter or a
 * digit. Anything else, such as `../../x`, could leave a folder when used in a file name; and what ends
 * in `.mask` would be taken for another film's mask.
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
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(text) && !/\.mask$/i.test(text);
}
