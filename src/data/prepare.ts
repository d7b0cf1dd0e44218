import { join } from "node:path";
import { decodeDicom, parseDicom, readDicomBytes } from "@/dicom/mod.ts";
import { sha256, writeFileAtomic } from "@/files/mod.ts";
import { resizeArea, resizeMask } from "./area.ts";
import { forEachConcurrent } from "./concurrency.ts";
import {
  applyContrast,
  checkContrast,
  type Contrast,
  contrastTable,
  DEFAULT_CONTRAST,
} from "./contrast.ts";
import { excludedAs, maximumExcluded, refuseDamaged } from "./exclusion.ts";
import { type Excluded, type Film, FILM_SIZE, type FilmFile, isImageId } from "./film.ts";
import { encodeGreyPng } from "./grey_png.ts";
import { Manifest, type ManifestEntry } from "./manifest.ts";
import { type Label, Prepared } from "./prepared.ts";
import { uniteRles } from "./rle.ts";
import { filmToSquare } from "./square.ts";

/** Raise it when the same recipe would give other pixels. */
const RECIPE_VERSION = 1;

/** How {@linkcode prepare} works. */
export interface PrepareOptions {
  /** The data set's folder; files go to `prepared/<size>-<hash>` in it. */
  root: string;
  /** Another folder instead of `<root>/prepared`, for a data set that cannot be written to. */
  folder?: string;
  /** Rows and columns wanted, 1 to 1024. */
  size: number;
  /** Default: percentiles 0.5 and 99.5. */
  contrast?: Contrast;
  /** Films under way at the same time (default 4). */
  concurrency?: number;
  /**
   * Share of films, 0 to 1, that may be damaged before it fails (default: `PNEUMOTHORAX_MAX_BAD`, else
   * 0.05).
   */
  maximumExcluded?: number;
  /** Bytes of decoded pixels that the result keeps in memory (default 1 GiB). */
  cacheBytes?: number;
  /** Called after each film. */
  onProgress?: (progress: PrepareProgress) => void;
  /** How a file's pixels are decoded; a test may stand in for it. */
  decode?: (bytes: Uint8Array, path: string) => Promise<DecodedFilm>;
}

/** How far {@linkcode prepare} is, in films. */
export interface PrepareProgress {
  done: number;
  total: number;
  /** Of `done`: found finished already. */
  reused: number;
  /** Of `done`: left out. */
  excluded: number;
}

/** A film's pixels: grey values 0 to 255, row-major. */
export interface DecodedFilm {
  pixels: Uint8Array;
  width: number;
  height: number;
}

/**
 * Makes each film a small grey PNG, and each positive's annotation a mask of the same size: decode,
 * stretch the contrast, average over areas. What is there already is not done again, unless the
 * DICOM file or the annotation changed; so it can be stopped at any time and started again.
 *
 * A film that cannot be decoded is left out and listed in the result's `excluded`.
 *
 * @param films Films of `loadDataset`, annotated or not.
 * @throws {DatasetError} If more than `maximumExcluded` of the films cannot be decoded.
 * @throws {RangeError} If an option is out of range, an ImageId is there twice or cannot be one, or
 * an annotation does not decode.
 * @throws Whatever the file system throws when files cannot be written.
 */
export async function prepare(
  films: readonly (Film | FilmFile)[],
  options: PrepareOptions,
): Promise<Prepared> {
  const { size, contrast = DEFAULT_CONTRAST, concurrency = 4 } = options;
  const share = maximumExcluded(options.maximumExcluded);
  checkOptions(size, contrast);
  checkImageIds(films);
  const recipe = { version: RECIPE_VERSION, size, contrast };
  const hash = recipeHash(recipe);
  const folder = join(
    options.folder ?? join(options.root, "prepared"),
    `${size}-${hash.slice(0, 12)}`,
  );
  await writeRecipe(join(folder, "recipe.json"), `${JSON.stringify(recipe, null, 2)}\n`);

  const work = { folder, size, contrast, decode: options.decode ?? decodeFile };
  const labels = new Map<string, Label>();
  const excluded: Excluded[] = [];
  let reused = 0;
  const manifest = await Manifest.open(folder);
  try {
    await forEachConcurrent(films, concurrency, async (film) => {
      const outcome = await prepareFilm(film, manifest, work);
      if (typeof outcome === "object") {
        excluded.push(outcome);
        refuseDamaged("prepare films", excluded, films.length, share);
      } else {
        labels.set(film.imageId, labelOf(film));
        if (outcome === "reused") reused++;
      }
      options.onProgress?.({
        done: labels.size + excluded.length,
        total: films.length,
        reused,
        excluded: excluded.length,
      });
    });
  } finally {
    manifest.close();
  }
  excluded.sort((a, b) => a.imageId < b.imageId ? -1 : 1);
  const cacheBytes = options.cacheBytes ?? 2 ** 30;
  const sources = [...labels.keys()].sort().map((id) => [id, manifest.get(id)?.sha256]);
  const sourceHash = sha256(JSON.stringify(sources));
  return new Prepared({ folder, size, hash, sourceHash, excluded, labels, cacheBytes });
}

/** Writes the recipe unless it is there: a write waits for the disk, each time films are predicted. */
async function writeRecipe(path: string, text: string): Promise<void> {
  const written = await Deno.readTextFile(path).catch(() => undefined);
  if (written !== text) await writeFileAtomic(path, text);
}

interface Work {
  folder: string;
  size: number;
  contrast: Contrast;
  decode: (bytes: Uint8Array, path: string) => Promise<DecodedFilm>;
}

async function prepareFilm(
  film: Film | FilmFile,
  manifest: Manifest,
  { folder, size, contrast, decode }: Work,
): Promise<"made" | "reused" | Excluded> {
  const { imageId, path } = film;
  const imagePath = join(folder, `${imageId}.png`);
  const maskPath = join(folder, `${imageId}.mask.png`);
  const annotation = "rows" in film ? sha256(JSON.stringify(film.rows)) : "";
  const known = manifest.get(imageId);
  const isComplete = known !== undefined && known.annotation === annotation &&
    await fileSize(imagePath) === known.imageBytes &&
    (known.maskBytes === 0 || await fileSize(maskPath) === known.maskBytes);

  let source: Pick<ManifestEntry, "bytes" | "modified" | "sha256">;
  let decoded: DecodedFilm;
  try {
    const { size: bytes, mtime } = await Deno.stat(path);
    const modified = mtime?.getTime() ?? 0;
    if (isComplete && known.bytes === bytes && known.modified === modified) return "reused";
    const content = await readDicomBytes(path);
    source = { bytes, modified, sha256: sha256(content) };
    if (isComplete && known.sha256 === source.sha256) {
      manifest.add({ ...known, ...source });
      return "reused";
    }
    decoded = await decode(content, path);
  } catch (error) {
    return excludedAs(imageId, path, error);
  }
  const { pixels, width, height } = decoded;
  const expected = film.shape ?? { width: FILM_SIZE, height: FILM_SIZE };
  if (width !== expected.width || height !== expected.height) {
    const reason = `its size must be ${expected.width} x ${expected.height}: ${width} x ${height}`;
    return { imageId, path, reason, damaged: true };
  }
  const square = await filmToSquare(pixels, expected);
  const image = contrast.kind === "percentile"
    ? resizeArea(square, FILM_SIZE, size, contrastTable(square, contrast))
    : resizeArea(applyContrast(square, contrast), FILM_SIZE, size);
  const imagePng = await encodeGreyPng(image, size);
  let maskBytes = 0;
  if ("rows" in film && film.positive) {
    const mask = resizeMask(uniteRles(film.rows, FILM_SIZE, FILM_SIZE), FILM_SIZE, size);
    for (let i = 0; i < mask.length; i++) mask[i]! *= 255;
    const maskPng = await encodeGreyPng(mask, size);
    await writeFileAtomic(maskPath, maskPng);
    maskBytes = maskPng.length;
  }
  await writeFileAtomic(imagePath, imagePng);
  manifest.add({ imageId, ...source, annotation, imageBytes: imagePng.length, maskBytes });
  return "made";
}

async function decodeFile(bytes: Uint8Array, path: string): Promise<DecodedFilm> {
  return await decodeDicom(parseDicom(bytes, path));
}

function labelOf(film: Film | FilmFile): Label {
  if (!("rows" in film)) return "unlabelled";
  return film.positive ? "positive" : "negative";
}

function recipeHash(recipe: { version: number; size: number; contrast: Contrast }): string {
  const { version, size, contrast } = recipe;
  return sha256(JSON.stringify([version, size, contrast.kind, ...numbersOf(contrast)]));
}

function numbersOf(contrast: Contrast): number[] {
  switch (contrast.kind) {
    case "none":
      return [];
    case "percentile":
      return [contrast.low, contrast.high];
    case "clahe":
      return [contrast.clipLimit, contrast.tiles];
  }
}

function checkOptions(size: number, contrast: Contrast): void {
  if (!Number.isInteger(size) || size < 1 || size > FILM_SIZE) {
    throw new RangeError(
      `Cannot prepare films as size must be an integer in 1..${FILM_SIZE}: ${size}`,
    );
  }
  checkContrast(contrast);
}

function checkImageIds(films: readonly FilmFile[]): void {
  const seen = new Set<string>();
  for (const { imageId } of films) {
    if (!isImageId(imageId)) {
      throw new RangeError(`Cannot prepare films as this cannot be an ImageId: ${imageId}`);
    }
    if (seen.has(imageId)) {
      throw new RangeError(`Cannot prepare films as an ImageId is there twice: ${imageId}`);
    }
    seen.add(imageId);
  }
}

async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
