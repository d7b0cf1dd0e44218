import { basename, extname, join, resolve } from "node:path";
import {
  deterministicUid,
  DicomError,
  type DicomMetadata,
  readDicom,
  writeDicom,
} from "@/dicom/mod.ts";
import { writeFileAtomic } from "@/files/mod.ts";
import { forEachConcurrent } from "./concurrency.ts";
import { loadFilms } from "./dataset.ts";
import { DatasetError } from "./dataset_error.ts";
import { withoutPath } from "./exclusion.ts";
import { type Excluded, FILM_SIZE, type FilmFile } from "./film.ts";
import { readMaskPng } from "./mask_png.ts";
import { encodeRle, uniteRles } from "./rle.ts";
import { readRleTable } from "./rle_table.ts";
import { withTask } from "./sent_error.ts";
import { type FilmShape, filmToSquare, maskToSquare, placeInSquare } from "./square.ts";

/** Where the annotations of someone's own films are. */
export type MaskSource =
  /** PNG files named `<film>.png` or `<film>_mask.png`, see {@linkcode readMaskPng}. */
  | { folder: string }
  /**
   * A CSV file with `ImageId` and `EncodedPixels`: run lengths at each film's own size, down the columns.
   * "gaps" as the competition's, see `decodeRle`; "starts" as most others': pairs of a run's first pixel,
   * from 1, and its length.
   */
  | { table: string; runs: "gaps" | "starts" };

/** What to import, and where to. */
export interface ImportOptions {
  /** Any folder with DICOM files, of any shape, in it and all below it. */
  films: string;
  masks: MaskSource;
  /** The folder of the new data set; it must not be there. */
  output: string;
  /** What a film without a mask is. Default: left out, as nobody said that it shows nothing. */
  withoutMask?: "left out" | "negative";
  /** Called after each film. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** What came of an import; also written to `import.json`. */
export interface ImportResult {
  films: number;
  positives: number;
  /** What could not be used, and why: films, and masks that belong to none. */
  excluded: Excluded[];
}

/** Films that are decoded at the same time. */
const CONCURRENCY = 4;

const SUFFIX = "_mask";

/** A film that has such a file has a mask, though one that cannot be read: it is not negative. */
const OTHER_PICTURE = /\.(bmp|gif|jpe?g|npy|tiff?|webp)$/i;

/**
 * Makes a data set in the competition's layout of anyone's films and masks, for any finding: each film as
 * a grey DICOM file of 1024 x 1024, scaled in proportion and centred, with its mask in `train-rle.csv`.
 *
 * Of a film's header only sex, age, view and pixel spacing are kept; patients are numbered, so that their
 * films stay together in folds. Names of files stay: they are the ImageIds.
 *
 * The folder appears when it is complete; one that was interrupted is begun anew.
 *
 * @throws {DatasetError} If the output is there already, a folder or table is missing or malformed, or no
 * film could be used.
 * @throws Whatever the file system throws when a film cannot be written.
 */
export async function importDataset(options: ImportOptions): Promise<ImportResult> {
  const { withoutMask = "left out" } = options;
  const output = resolve(options.output); // without a slash at its end
  if (await exists(output)) {
    throw new DatasetError(
      `Cannot import films as the output is there already: ${output}. Remove it, or name another folder`,
    );
  }
  const partial = `${output}.partial`;
  await remove(partial); // before films are looked for, as it may lie among them
  const index = await loadFilms(options.films);
  const masks = await findMasks(options.masks);
  const patients = numberPatients(index.films);

  const excluded = [...index.excluded];
  const rows: { imageId: string; rle: string }[] = [];
  let done = 0;
  await forEachConcurrent(index.films, CONCURRENCY, async (film) => {
    let read: ReadFilm | undefined;
    try {
      const mask = masks.get(film.imageId) ?? (withoutMask === "negative" ? NO_FINDING : undefined);
      if (mask === undefined) throw new RangeError("it has no mask: it is unlabelled");
      read = await readFilm(film, mask);
    } catch (error) {
      excluded.push({ imageId: film.imageId, path: film.path, reason: reasonOf(error) });
    }
    if (read) {
      await writeFilm(film.imageId, read, patients.get(film.patientId)!, partial);
      rows.push({ imageId: film.imageId, rle: encodeRle(read.mask, FILM_SIZE, FILM_SIZE) });
    }
    options.onProgress?.({ done: ++done, total: index.films.length });
  });
  const names = new Set([...index.films, ...index.excluded].map(({ imageId }) => imageId));
  for (const imageId of masks.keys()) {
    if (!names.has(imageId)) {
      excluded.push({ imageId, reason: "there is a mask, but no such film" });
    }
  }
  excluded.sort((a, b) => a.imageId < b.imageId ? -1 : 1);
  if (rows.length === 0) {
    const [first] = excluded;
    throw new DatasetError(
      `Cannot import films as none of ${index.films.length} could be used: ${options.films}; ` +
        `${first?.imageId} was left out as ${first?.reason}`,
    );
  }
  rows.sort((a, b) => a.imageId < b.imageId ? -1 : 1);
  const positives = rows.filter(({ rle }) => rle !== "-1").length;
  const result: ImportResult = { films: rows.length, positives, excluded };
  const lines = rows.map(({ imageId, rle }) => `${imageId},${rle}\n`);
  await writeFileAtomic(
    join(partial, "train-rle.csv"),
    `ImageId,EncodedPixels\n${lines.join("")}`,
  );
  const record = {
    ...result,
    excluded: excluded.map(({ imageId, reason }) => ({ imageId, reason })),
  };
  await writeFileAtomic(join(partial, "import.json"), `${JSON.stringify(record, null, 2)}\n`);
  await Deno.rename(partial, output);
  return result;
}

/** A mask at its film's own size. // [height * width] */
type ReadMask = (shape: FilmShape) => Promise<Uint8Array>;

const NO_FINDING: ReadMask = ({ width, height }) => Promise.resolve(new Uint8Array(width * height));

/** A film and its mask in the square. */
interface ReadFilm {
  pixels: Uint8Array; // [1024 * 1024]
  mask: Uint8Array; // [1024 * 1024]
  metadata: DicomMetadata;
  /** Film's pixels for one of the square's, down and to the right. */
  scale: { row: number; column: number };
}

async function readFilm({ path }: FilmFile, readMask: ReadMask): Promise<ReadFilm> {
  const { pixels, width, height, metadata } = await readDicom(path);
  const shape = { width, height };
  const place = placeInSquare(shape);
  return {
    pixels: await filmToSquare(pixels, shape),
    mask: await maskToSquare(await readMask(shape), shape),
    metadata,
    scale: { row: height / place.height, column: width / place.width },
  };
}

async function writeFilm(
  imageId: string,
  { pixels, metadata: { sex, age, view, pixelSpacing }, scale }: ReadFilm,
  patientId: string,
  folder: string,
): Promise<void> {
  const years = age === undefined ? undefined : String(Math.floor(age)).padStart(3, "0");
  const image = {
    pixels,
    width: FILM_SIZE,
    height: FILM_SIZE,
    pixelSpacing: pixelSpacing === undefined ? null : {
      row: scaled(pixelSpacing.row, scale.row),
      column: scaled(pixelSpacing.column, scale.column),
    },
  };
  try {
    await writeDicom(join(folder, "dicom-images-train", `${imageId}.dcm`), image, {
      patientId,
      studyInstanceUid: deterministicUid(`imported study ${imageId}`),
      seriesInstanceUid: deterministicUid(`imported series ${imageId}`),
      sopInstanceUid: deterministicUid(`imported film ${imageId}`),
      ...(sex && { sex }),
      ...(years !== undefined && { age: `${years}Y` }),
      ...((view === "PA" || view === "AP") && { view }),
    });
  } catch (error) {
    throw withTask(`Cannot write the film ${imageId}`, error);
  }
}

/** A decimal string may have 16 characters. */
function scaled(spacing: number, factor: number): number {
  return Number((spacing * factor).toPrecision(8));
}

async function findMasks(source: MaskSource): Promise<Map<string, ReadMask>> {
  return "folder" in source
    ? await findPngMasks(source.folder)
    : await readTable(source.table, source.runs);
}

async function findPngMasks(folder: string): Promise<Map<string, ReadMask>> {
  const [pngs, others] = [new Map<string, string[]>(), new Map<string, ReadMask>()];
  for (const path of await listFiles(folder)) {
    const imageId = basename(path, extname(path)).replace(new RegExp(`${SUFFIX}$`), "");
    if (/\.png$/i.test(path)) pngs.set(imageId, [...pngs.get(imageId) ?? [], path]);
    else if (OTHER_PICTURE.test(path)) {
      others.set(imageId, () => {
        throw new RangeError(`its mask is no PNG file: ${basename(path)}. Convert it`);
      });
    }
  }
  if (pngs.size === 0) {
    throw new DatasetError(`Cannot import masks as no file in the folder ends in .png: ${folder}`);
  }
  const read = ([first, second]: string[]): ReadMask => async (shape) => {
    if (second !== undefined) {
      throw new RangeError(
        `it has two masks: ${basename(first!)} and ${basename(second!)}. Unite them into one`,
      );
    }
    return await readMaskPng(first!, shape);
  };
  return new Map([...others, ...[...pngs].map(([id, found]) => [id, read(found)] as const)]);
}

/** The files in a folder and all below it, sorted; links are not entered. */
async function listFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory) found.push(...await listFiles(path));
      else found.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DatasetError(`Cannot import masks as there is no such folder: ${folder}`);
  }
  return found.sort();
}

async function readTable(path: string, runs: "gaps" | "starts"): Promise<Map<string, ReadMask>> {
  const byId = Map.groupBy(await readRleTable(path), ({ imageId }) => imageId);
  const read = (texts: string[]): ReadMask => ({ width, height }) => {
    const rows = runs === "gaps" ? texts : texts.map(startsToGaps);
    return Promise.resolve(uniteRles(rows, width, height));
  };
  return new Map(
    [...byId].map(([imageId, rows]) => [imageId, read(rows.map((row) => row.encodedPixels))]),
  );
}

/**
 * Run lengths whose pairs are a run's first pixel, from 1, and its length, as the competition's pairs of
 * gap and length. An empty text, which such tables hold for no mask, becomes `-1`.
 *
 * @throws {RangeError} If a number is missing or is no positive integer, or runs overlap or go back.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { startsToGaps } from "@/data/mod.ts";
 *
 * assertEquals(startsToGaps("3 2 7 1"), "2 2 2 1");
 * ```
 */
export function startsToGaps(text: string): string {
  const words = text.trim() === "" || text.trim() === "-1" ? [] : text.trim().split(/\s+/);
  if (words.length % 2 !== 0 || !words.every((word) => /^[1-9]\d*$/.test(word))) {
    throw new RangeError(
      `Cannot decode a mask as it must hold pairs of start and length, from 1: "${text}"`,
    );
  }
  const gaps: number[] = [];
  let end = 1;
  for (let i = 0; i < words.length; i += 2) {
    const [start, length] = [Number(words[i]), Number(words[i + 1])];
    if (start < end) {
      throw new RangeError(
        `Cannot decode a mask as a run starts before the last one's end: ${start}`,
      );
    }
    gaps.push(start - end, length);
    end = start + length;
  }
  return gaps.length === 0 ? "-1" : gaps.join(" ");
}

/** PatientID -> "patient-0001", in the order of films: nothing of the identity is kept. */
function numberPatients(films: readonly FilmFile[]): Map<string, string> {
  const numbers = new Map<string, string>();
  for (const { patientId } of films) {
    if (numbers.has(patientId)) continue;
    numbers.set(patientId, `patient-${String(numbers.size + 1).padStart(4, "0")}`);
  }
  return numbers;
}

function reasonOf(error: unknown): string {
  if (error instanceof DicomError) return error.reason;
  if (error instanceof RangeError || error instanceof SyntaxError) return error.message;
  // What the system says, such as that a file may not be read.
  if (typeof (error as { code?: unknown }).code === "string") return withoutPath(String(error));
  throw error;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

async function remove(path: string): Promise<void> {
  if (await exists(path)) await Deno.remove(path, { recursive: true });
}
