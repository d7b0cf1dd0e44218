import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DicomMetadata, readDicomMetadata } from "@/dicom/mod.ts";
import { exists, sha256 } from "@/files/mod.ts";
import { forEachConcurrent } from "./concurrency.ts";
import { DatasetError } from "./dataset_error.ts";
import { Damaged, excludedAs, maximumExcluded, NotPart, refuseDamaged } from "./exclusion.ts";
import { type Excluded, type Film, FILM_SIZE, type FilmFile, isImageId } from "./film.ts";
import { findDicomFiles } from "./find_files.ts";
import { patientKey } from "./patient_key.ts";
import { rleArea } from "./rle.ts";
import { readRleTable } from "./rle_table.ts";

/** The films of a data set in the competition's layout. */
export interface Dataset {
  root: string;
  /** Annotated films, sorted by ImageId. */
  train: Film[];
  /** Films to predict, sorted by ImageId. */
  test: FilmFile[];
  /** What was left out, and why: first of `train`, then of `test`. */
  excluded: Excluded[];
}

/** How {@linkcode loadDataset} works. */
export interface LoadOptions {
  /** Called after each file's header; `total` counts the files of both folders. */
  onProgress?: (progress: { done: number; total: number }) => void;
  /** How headers are read; a test may stand in for it. */
  readMetadata?: (path: string) => Promise<Header>;
  /**
   * Share of the files, 0 to 1, that may be damaged before it fails (default: `PNEUMOTHORAX_MAX_BAD`,
   * else 0.05).
   */
  maximumExcluded?: number;
  /** A folder that `loadFilms` does not enter: that of results, which hold DICOM files too. */
  leftOut?: string;
}

/** What is used of a DICOM header. */
export type Header = Pick<
  DicomMetadata,
  "patientId" | "sex" | "age" | "view" | "pixelSpacing" | "rows" | "columns"
>;

/** Headers that are read at the same time. */
const CONCURRENCY = 8;

const ADVICE = "write a phantom with `deno task phantom`, or name the competition's files with " +
  "`--data DIR` or the environment variable PNEUMOTHORAX_DATA";

/**
 * Where the data are: the argument if given, else the environment variable `PNEUMOTHORAX_DATA`, else
 * the project's phantom, `data/phantom-clear`.
 */
export function datasetRoot(argument?: string): string {
  return argument || Deno.env.get("PNEUMOTHORAX_DATA") ||
    fileURLToPath(new URL("../../data/phantom-clear", import.meta.url));
}

/**
 * Reads the index of a data set: `dicom-images-train/` with `train-rle.csv`, and if they are there
 * `dicom-images-test/` with `sample_submission.csv`. Pixels are not decoded.
 *
 * A film that cannot be used is listed in `excluded` with the reason: a file without a row (it is
 * unlabelled, which does not mean negative), a row without a file, a second file of the same name, an
 * unreadable header, another size than 1024 x 1024, run lengths that do not decode, a name that
 * cannot be an ImageId, a test film that is a training film too, a link that leaves the root.
 *
 * @param root The folder that holds all of them, see {@linkcode datasetRoot}.
 * @throws {DatasetError} If the folder, `train-rle.csv` or `dicom-images-train` is missing, if a CSV
 * file is malformed, if too many files are damaged, or if no training film is left.
 */
export async function loadDataset(root: string, options: LoadOptions = {}): Promise<Dataset> {
  const share = maximumExcluded(options.maximumExcluded);
  await requireFolder(root, "its folder is missing");
  const trainFolder = join(root, "dicom-images-train");
  const testFolder = join(root, "dicom-images-test");
  const trainTable = join(root, "train-rle.csv");
  const testTable = join(root, "sample_submission.csv");
  await requireFolder(trainFolder, "it has no folder dicom-images-train");
  if (!(await exists(trainTable))) {
    throw new DatasetError(
      `Cannot load the data set as it has no train-rle.csv: ${root}; ${ADVICE}`,
    );
  }
  const trainFiles = await listFiles(trainFolder, root);
  const hasTest = await exists(testFolder);
  const testFiles = hasTest ? await listFiles(testFolder, root) : NO_FILES;
  const trainRows = await readRowsById(trainTable);
  const testRows = hasTest && await exists(testTable) ? await readRowsById(testTable) : undefined;

  const total = trainFiles.paths.size + testFiles.paths.size;
  let done = 0;
  const advance = () => options.onProgress?.({ done: ++done, total });
  const readMetadata = options.readMetadata ?? readDicomMetadata;

  const train = await loadPart(trainFiles, advance, async (imageId, path): Promise<Film> => {
    const rows = trainRows.get(imageId);
    if (rows === undefined) throw new NotPart("it has no row in train-rle.csv: it is unlabelled");
    const area = annotatedArea(rows);
    const file = await readFilmFile(imageId, path, readMetadata);
    return { ...file, rows, positive: area > 0, area };
  });
  train.excluded.push(...rowsWithoutFile(trainRows, trainFiles, "train-rle.csv"));

  const test = await loadPart(testFiles, advance, async (imageId, path): Promise<FilmFile> => {
    if (testRows && !testRows.has(imageId)) {
      throw new NotPart("it has no row in sample_submission.csv");
    }
    if (trainFiles.paths.has(imageId)) {
      throw new NotPart("there is a training file of this ImageId");
    }
    return await readFilmFile(imageId, path, readMetadata);
  });
  if (testRows) {
    test.excluded.push(...rowsWithoutFile(testRows, testFiles, "sample_submission.csv"));
  }

  const excluded = [...train.excluded.sort(byImageId), ...test.excluded.sort(byImageId)];
  refuseDamaged("load the data set", excluded, total, share);
  if (train.films.length === 0) {
    const first = excluded[0];
    throw new DatasetError(
      `Cannot load the data set as no training film is left: ${root}; ` +
        (first ? `${first.imageId} was left out as ${first.reason}` : ADVICE),
    );
  }
  return {
    root,
    train: train.films.sort(byImageId),
    test: test.films.sort(byImageId),
    excluded,
  };
}

/**
 * Reads the index of any folder with DICOM files, in it and all below it: films to predict that are
 * not laid out as the competition's and may have any shape. Pixels are not decoded.
 *
 * A file that cannot be used is listed in `excluded`, see {@linkcode loadDataset}.
 *
 * @param folder The folder; links that leave it are not followed.
 * @returns The films, sorted by ImageId, which is the file's name without `.dcm`.
 * @throws {DatasetError} If there is no such folder, or it holds no `.dcm` file.
 */
export async function loadFilms(
  folder: string,
  options: LoadOptions = {},
): Promise<{ films: FilmFile[]; excluded: Excluded[] }> {
  const isFolder = await exists(folder) && (await Deno.stat(folder)).isDirectory;
  if (!isFolder) throw new DatasetError(`Cannot read films as there is no such folder: ${folder}`);
  const files = await listFiles(folder, folder, options.leftOut);
  const total = files.paths.size;
  if (total + files.excluded.length === 0) {
    throw new DatasetError(`Cannot read films as no file in the folder ends in .dcm: ${folder}`);
  }
  let done = 0;
  const advance = () => options.onProgress?.({ done: ++done, total });
  const readMetadata = options.readMetadata ?? readDicomMetadata;
  const { films, excluded } = await loadPart(
    files,
    advance,
    (imageId, path) => readFilmFile(imageId, path, readMetadata, "any shape"),
  );
  return { films: films.sort(byImageId), excluded: excluded.sort(byImageId) };
}

/**
 * SHA-256 over what was loaded: each film's ImageId, file size and annotation rows, in the order of
 * ImageIds. It changes when films are added, left out or re-annotated; that a file's bytes changed
 * at the same size is found by `prepare`, which hashes the files: see `Prepared.sourceHash`.
 *
 * @returns 64 hexadecimal digits.
 */
export function dataHash(dataset: Pick<Dataset, "train" | "test">): string {
  const train = [...dataset.train].sort(byImageId);
  const test = [...dataset.test].sort(byImageId);
  return sha256(JSON.stringify({
    train: train.map(({ imageId, bytes, rows }) => [imageId, bytes, ...rows]),
    test: test.map(({ imageId, bytes }) => [imageId, bytes]),
  }));
}

interface Part<T> {
  films: T[];
  excluded: Excluded[];
}

/** Reads each file of a folder; a film whose reading fails is left out with the reason. */
async function loadPart<T>(
  files: FileList,
  advance: () => void,
  readFilm: (imageId: string, path: string) => Promise<T>,
): Promise<Part<T>> {
  const films: T[] = [];
  const excluded = [...files.excluded];
  await forEachConcurrent(files.paths, CONCURRENCY, async ([imageId, path]) => {
    try {
      films.push(await readFilm(imageId, path));
    } catch (error) {
      excluded.push(excludedAs(imageId, path, error));
    }
    advance();
  });
  return { films, excluded };
}

function rowsWithoutFile(
  rows: ReadonlyMap<string, string[]>,
  files: FileList,
  table: string,
): Excluded[] {
  const missing = [...rows.keys()].filter((imageId) => !files.paths.has(imageId));
  return missing.map((imageId) => {
    const reason = isImageId(imageId) ? "there is no such file" : "it cannot be an ImageId";
    return { imageId, reason: `${table} names it, but ${reason}` };
  });
}

function annotatedArea(rows: readonly string[]): number {
  try {
    return rleArea(rows, FILM_SIZE, FILM_SIZE);
  } catch (error) {
    throw new Damaged(`its annotation is malformed: ${(error as Error).message}`);
  }
}

async function readFilmFile(
  imageId: string,
  path: string,
  readMetadata: (path: string) => Promise<Header>,
  shapes: "square" | "any shape" = "square",
): Promise<FilmFile> {
  const { size } = await Deno.stat(path);
  const { patientId, sex, age, view, pixelSpacing, rows, columns } = await readMetadata(path);
  const isSquare = rows === FILM_SIZE && columns === FILM_SIZE;
  if (!isSquare && shapes === "square") {
    throw new Damaged(
      `its size must be ${FILM_SIZE} x ${FILM_SIZE}, as that of the masks: ${columns} x ${rows}`,
    );
  }
  return {
    imageId,
    path,
    bytes: size,
    patientId: patientId === undefined ? imageId : patientKey(patientId),
    sex,
    age,
    view,
    pixelSpacing,
    ...(!isSquare && { shape: { width: columns, height: rows } }),
  };
}

interface FileList {
  /** ImageId -> path. */
  paths: Map<string, string>;
  excluded: Excluded[];
}

const NO_FILES: FileList = { paths: new Map(), excluded: [] };

async function listFiles(folder: string, root: string, leftOut?: string): Promise<FileList> {
  const paths = new Map<string, string>();
  const excluded: Excluded[] = [];
  for (const found of await findDicomFiles(folder, root, leftOut)) {
    const { path } = found;
    const imageId = basename(path, extname(path));
    if ("refused" in found) excluded.push({ imageId, path, reason: found.refused });
    else if (!isImageId(imageId)) {
      excluded.push({ imageId, path, reason: "its name cannot be an ImageId" });
    } else if (paths.has(imageId)) {
      excluded.push({ imageId, path, reason: "there is another file of this ImageId" });
    } else paths.set(imageId, path);
  }
  return { paths, excluded };
}

async function readRowsById(path: string): Promise<Map<string, string[]>> {
  const rows = new Map<string, string[]>();
  for (const { imageId, encodedPixels } of await readRleTable(path)) {
    const known = rows.get(imageId);
    if (known) known.push(encodedPixels);
    else rows.set(imageId, [encodedPixels]);
  }
  return rows;
}

async function requireFolder(path: string, reason: string): Promise<void> {
  const isFolder = await exists(path) && (await Deno.stat(path)).isDirectory;
  if (!isFolder) {
    throw new DatasetError(`Cannot load the data set as ${reason}: ${path}; ${ADVICE}`);
  }
}

function byImageId(a: { imageId: string }, b: { imageId: string }): number {
  return a.imageId < b.imageId ? -1 : a.imageId > b.imageId ? 1 : 0;
}
