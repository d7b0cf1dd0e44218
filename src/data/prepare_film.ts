import { join } from "node:path";
import { decodeDicom, parseDicom, readDicomBytes } from "@/dicom/mod.ts";
import { sha256, writeFileAtomic } from "@/files/mod.ts";
import { resizeArea, resizeMask } from "./area.ts";
import { applyContrast, type Contrast, contrastTable } from "./contrast.ts";
import { excludedAs } from "./exclusion.ts";
import { type Excluded, type Film, FILM_SIZE, type FilmFile } from "./film.ts";
import { encodeGreyPng } from "./grey_png.ts";
import type { ManifestEntry } from "./manifest.ts";
import { uniteRles } from "./rle.ts";
import { withTask } from "./sent_error.ts";
import { type FilmShape, filmToSquare } from "./square.ts";

/** What is to be made of a film. It and the outcome can be sent to a worker and back. */
export interface FilmTask {
  film: Film | FilmFile;
  /** What was made of it before, if that is still there. */
  known: ManifestEntry | undefined;
  /** Where the files go; it is there. */
  folder: string;
  /** Rows and columns wanted. */
  size: number;
  contrast: Contrast;
}

/** What became of a film. */
export type PreparedFilm =
  /** Made before, and its file was not touched since. */
  | { kind: "known" }
  /** Made before; its file was touched, but its content is the same. */
  | { kind: "same"; entry: ManifestEntry }
  | { kind: "made"; entry: ManifestEntry }
  | { kind: "excluded"; excluded: Excluded };

/**
 * Makes a film a small grey PNG, and its annotation a mask of the same size.
 *
 * @throws {RangeError|SyntaxError} If an annotation does not decode.
 * @throws Whatever the file system throws when files cannot be written. The message names the film.
 */
export async function prepareFilm(task: FilmTask): Promise<PreparedFilm> {
  const { film, known } = task;
  const { imageId, path } = film;
  let source: Pick<ManifestEntry, "bytes" | "modified" | "sha256">;
  let pixels: Uint8Array;
  const expected = shapeOf(film);
  try {
    const { size: bytes, mtime } = await Deno.stat(path);
    const content = await readDicomBytes(path);
    source = { bytes, modified: mtime?.getTime() ?? 0, sha256: sha256(content) };
    if (known?.sha256 === source.sha256) return { kind: "same", entry: { ...known, ...source } };
    const decoded = await decodeDicom(parseDicom(content, path));
    const { width, height } = decoded;
    if (width !== expected.width || height !== expected.height) {
      const reason =
        `its size must be ${expected.width} x ${expected.height}: ${width} x ${height}`;
      return { kind: "excluded", excluded: { imageId, path, reason, damaged: true } };
    }
    pixels = decoded.pixels;
  } catch (error) {
    return { kind: "excluded", excluded: excludedAs(imageId, path, error) };
  }
  try {
    return { kind: "made", entry: { imageId, ...source, ...await writeFiles(task, pixels) } };
  } catch (error) {
    throw withTask(`Cannot prepare the film ${imageId}`, error);
  }
}

/** Writes what is made of a film's pixels. */
async function writeFiles(
  { film, folder, size, contrast }: FilmTask,
  pixels: Uint8Array,
): Promise<Pick<ManifestEntry, "annotation" | "imageBytes" | "maskBytes">> {
  const { imageId } = film;
  const square = await filmToSquare(pixels, shapeOf(film));
  const image = contrast.kind === "percentile"
    ? resizeArea(square, FILM_SIZE, size, contrastTable(square, contrast))
    : resizeArea(applyContrast(square, contrast), FILM_SIZE, size);
  const imagePng = await encodeGreyPng(image, size);
  let maskBytes = 0;
  if ("rows" in film && film.positive) {
    const mask = resizeMask(uniteRles(film.rows, FILM_SIZE, FILM_SIZE), FILM_SIZE, size);
    for (let i = 0; i < mask.length; i++) mask[i]! *= 255;
    const maskPng = await encodeGreyPng(mask, size);
    await writeFileAtomic(join(folder, `${imageId}.mask.png`), maskPng, { renewable: true });
    maskBytes = maskPng.length;
  }
  await writeFileAtomic(join(folder, `${imageId}.png`), imagePng, { renewable: true });
  return { annotation: annotationHash(film), imageBytes: imagePng.length, maskBytes };
}

function shapeOf({ shape }: FilmFile): FilmShape {
  return shape ?? { width: FILM_SIZE, height: FILM_SIZE };
}

/** SHA-256 of a film's annotation; empty for a film that is not annotated. */
export function annotationHash(film: Film | FilmFile): string {
  return "rows" in film ? sha256(JSON.stringify(film.rows)) : "";
}
