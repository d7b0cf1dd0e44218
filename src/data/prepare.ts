import { join } from "node:path";
import { sha256, writeFileAtomic } from "@/files/mod.ts";
import { forEachConcurrent } from "./concurrency.ts";
import { checkContrast, type Contrast, DEFAULT_CONTRAST } from "./contrast.ts";
import { maximumExcluded, refuseDamaged } from "./exclusion.ts";
import { type Excluded, type Film, FILM_SIZE, type FilmFile, isImageId } from "./film.ts";
import { FilmWorkers } from "./film_workers.ts";
import { Manifest, type ManifestEntry } from "./manifest.ts";
import { annotationHash, type FilmTask, type PreparedFilm, prepareFilm } from "./prepare_film.ts";
import { type Label, Prepared } from "./prepared.ts";
import { threadLimit, workerCount } from "./worker_count.ts";

/** Raise it when the same recipe would give other pixels. */
const RECIPE_VERSION = 2;

/** Films under way at the same time where there are no workers. */
const AT_ONCE = 4;

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
  /**
   * Threads that films are made on besides this one; 0 for none (default: one a core, 8 at most, and none
   * for a few films, which are made before a thread is there). `PNEUMOTHORAX_THREADS` limits the default.
   */
  workers?: number;
  /**
   * Share of films, 0 to 1, that may be damaged before it fails (default: `PNEUMOTHORAX_MAX_BAD`, else
   * 0.05).
   */
  maximumExcluded?: number;
  /** Bytes of decoded pixels that the result keeps in memory (default 1 GiB). */
  cacheBytes?: number;
  /** Called after each film. */
  onProgress?: (progress: PrepareProgress) => void;
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

/**
 * Makes each film a small grey PNG, and each positive's annotation a mask of the same size: decode,
 * stretch the contrast, average over areas. What is there already is not done again, unless the
 * DICOM file or the annotation changed; so it can be stopped at any time and started again.
 *
 * A film that cannot be decoded is left out and listed in the result's `excluded`.
 *
 * @param films Films of `loadDataset`, annotated or not.
 * @throws {DatasetError} If more than `maximumExcluded` of the films cannot be decoded.
 * @throws {RangeError} If an option or `PNEUMOTHORAX_THREADS` is out of range, an ImageId is there twice
 * or cannot be one, or an annotation does not decode.
 * @throws Whatever the file system throws when files cannot be written.
 */
export async function prepare(
  films: readonly (Film | FilmFile)[],
  options: PrepareOptions,
): Promise<Prepared> {
  const { size, contrast = DEFAULT_CONTRAST } = options;
  const share = maximumExcluded(options.maximumExcluded);
  checkOptions(size, contrast, options.workers);
  checkImageIds(films);
  const atOnce = Math.min(AT_ONCE, threadLimit());
  const recipe = { version: RECIPE_VERSION, size, contrast };
  const hash = recipeHash(recipe);
  const folder = join(
    options.folder ?? join(options.root, "prepared"),
    `${size}-${hash.slice(0, 12)}`,
  );
  await writeRecipe(join(folder, "recipe.json"), `${JSON.stringify(recipe, null, 2)}\n`);

  const labels = new Map<string, Label>();
  const excluded: Excluded[] = [];
  let reused = 0;
  const manifest = await Manifest.open(folder);
  const take = (film: Film | FilmFile, outcome: PreparedFilm) => {
    if (outcome.kind === "excluded") {
      excluded.push(outcome.excluded);
      refuseDamaged("prepare films", excluded, films.length, share);
    } else {
      if (outcome.kind !== "known") manifest.add(outcome.entry);
      labels.set(film.imageId, labelOf(film));
      if (outcome.kind !== "made") reused++;
    }
    options.onProgress?.({
      done: labels.size + excluded.length,
      total: films.length,
      reused,
      excluded: excluded.length,
    });
  };
  try {
    const tasks: FilmTask[] = [];
    await forEachConcurrent(films, atOnce, async (film) => {
      const known = await knownEntry(film, manifest, folder);
      if (known && await isUnchanged(film.path, known)) take(film, { kind: "known" });
      else tasks.push({ film, known, folder, size, contrast });
    });
    const workers = FilmWorkers.start(workerCount(tasks.length, options.workers));
    try {
      await forEachConcurrent(tasks, workers?.atOnce ?? atOnce, async (task) => {
        take(task.film, await (workers ? workers.prepare(task) : prepareFilm(task)));
      });
    } finally {
      workers?.stop();
    }
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

/** What was made of a film before, if its files and its annotation are as they were. */
async function knownEntry(
  film: Film | FilmFile,
  manifest: Manifest,
  folder: string,
): Promise<ManifestEntry | undefined> {
  const { imageId } = film;
  const known = manifest.get(imageId);
  const isComplete = known !== undefined && known.annotation === annotationHash(film) &&
    await fileSize(join(folder, `${imageId}.png`)) === known.imageBytes &&
    (known.maskBytes === 0 ||
      await fileSize(join(folder, `${imageId}.mask.png`)) === known.maskBytes);
  return isComplete ? known : undefined;
}

/** Whether a film's file is as it was by size and time; one that cannot be looked at is not. */
async function isUnchanged(path: string, known: ManifestEntry): Promise<boolean> {
  try {
    const { size, mtime } = await Deno.stat(path);
    return known.bytes === size && known.modified === (mtime?.getTime() ?? 0);
  } catch {
    return false;
  }
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

function checkOptions(size: number, contrast: Contrast, workers = 0): void {
  if (!Number.isInteger(size) || size < 1 || size > FILM_SIZE) {
    throw new RangeError(
      `Cannot prepare films as size must be an integer in 1..${FILM_SIZE}: ${size}`,
    );
  }
  if (!Number.isInteger(workers) || workers < 0) {
    throw new RangeError(`Cannot prepare films as workers must be an integer >= 0: ${workers}`);
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
