import { join } from "node:path";
import { encodeRle, type Film, FILM_SIZE } from "@/data/mod.ts";
import { deterministicUid, encodeJpeg, writeDicom } from "@/dicom/mod.ts";

/** A film of 1024 x 1024 pixels for a test. */
export interface SmallFilm {
  imageId: string;
  patientId?: string;
  /** Grey value at the left; it grows by 100 to the right. */
  grey?: number;
  size?: number;
}

/** Where a film of {@linkcode writeFilm} lies, in the competition's nesting of folders. */
export function filmPath(root: string, part: "train" | "test", imageId: string): string {
  return join(
    root,
    `dicom-images-${part}`,
    `study.${imageId}`,
    `series.${imageId}`,
    `${imageId}.dcm`,
  );
}

/** Writes a DICOM file into the competition's layout. */
export async function writeFilm(
  root: string,
  part: "train" | "test",
  film: SmallFilm,
): Promise<string> {
  const { imageId, patientId = `patient-${imageId}`, grey = 50, size = FILM_SIZE } = film;
  const pixels = new Uint8Array(size * size);
  for (let i = 0; i < pixels.length; i++) pixels[i] = grey + (100 * (i % size)) / size;
  const path = filmPath(root, part, imageId);
  await writeDicom(
    path,
    { pixels: { jpeg: await encodeJpeg(pixels, size, size) }, width: size, height: size },
    {
      patientId,
      sex: "F",
      age: "62",
      view: "AP",
      studyInstanceUid: deterministicUid(`study ${imageId}`),
      seriesInstanceUid: deterministicUid(`series ${imageId}`),
      sopInstanceUid: deterministicUid(imageId),
    },
  );
  return path;
}

/** Run lengths of a filled rectangle at 1024 x 1024. */
export function rectangle(left: number, top: number, width: number, height: number): string {
  const mask = new Uint8Array(FILM_SIZE * FILM_SIZE);
  for (let y = top; y < top + height; y++) {
    mask.fill(1, y * FILM_SIZE + left, y * FILM_SIZE + left + width);
  }
  return encodeRle(mask, FILM_SIZE, FILM_SIZE);
}

/** A film of a list that is not on any disk. */
export function imaginaryFilm(imageId: string, rows: string[] = ["-1"], area = 0): Film {
  return { imageId, path: "", bytes: 1, patientId: imageId, rows, positive: area > 0, area };
}

/** Calls a test with a folder that is gone afterwards. */
export async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
