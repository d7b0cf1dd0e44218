import { join } from "node:path";
import { writeFileAtomic } from "@/files/mod.ts";
import { difficulties, type Difficulty } from "./difficulty.ts";
import { type FilmPlan, planDataset, type Recipe, recipeVersion } from "./plan.ts";
import { dicomPath, type FilmTruth, partialFolder, truthPath } from "./write_film.ts";
import { writeFilms } from "./write_films.ts";

/** The phantom cannot be written where it was asked to be. */
export class PhantomError extends Error {
  override readonly name = "PhantomError";
}

/** Which data set to write, and where. */
export interface PhantomDatasetOptions {
  directory: string;
  /** Default: 1. */
  seed?: number;
  /** Films to train on, at least 2. Default: 240. */
  train?: number;
  /** Films to predict. Default: 40. */
  test?: number;
  /** Default: "clear". */
  difficulty?: Difficulty;
  /** Threads that draw; it does not change what is drawn. Default: one a core, at most 4. */
  workers?: number;
  /** Called at the start and after each film; `done` includes the films of an earlier run. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** What `phantom.json` says about a complete data set. */
export interface PhantomRecord extends Recipe {
  generator: "phantom";
  /** Training films with and without a pneumothorax, and without a label. */
  positives: number;
  negatives: number;
  unlabelled: number;
}

const recordFile = "phantom.json";
const recipeFile = join(partialFolder, "recipe.json");
const trainTable = "train-rle.csv";
const submissionTable = "sample_submission.csv";
const truthTable = "test-rle-truth.csv";

/**
 * Writes a synthetic data set in the competition's layout: `dicom-images-train/` and
 * `dicom-images-test/` (study, series, `<ImageId>.dcm`), `train-rle.csv`, `sample_submission.csv`;
 * and beyond it the true masks of the test films in `test-rle-truth.csv`, and `phantom.json`.
 *
 * A complete data set of the same recipe is left as it is; an interrupted one is continued; one of
 * another recipe is replaced. `phantom.json` is written last: where it is, the data set is whole.
 *
 * @returns The content of `phantom.json`, and how many films were drawn by this call.
 * @throws {RangeError} If an option is out of range.
 * @throws {PhantomError} If the directory holds something else than a phantom, which is not touched.
 */
export async function writePhantomDataset(
  options: PhantomDatasetOptions,
): Promise<{ record: PhantomRecord; drawn: number }> {
  const { directory, onProgress } = options;
  const recipe = checkRecipe(options);
  const workers = checkWorkers(options.workers);
  const plans = planDataset(recipe);
  const record = describe(recipe, plans);

  if (await isComplete(directory, record, plans)) {
    await remove(join(directory, partialFolder));
    onProgress?.({ done: plans.length, total: plans.length });
    return { record, drawn: 0 };
  }
  await prepareDirectory(directory, recipe);

  const missing: FilmPlan[] = [];
  for (const plan of plans) {
    if (!await isWritten(join(directory, truthPath(plan)))) missing.push(plan);
  }
  let done = plans.length - missing.length;
  const report = () => onProgress?.({ done, total: plans.length });
  report();
  const { difficulty } = recipe;
  await writeFilms(missing.map((plan) => ({ directory, plan, difficulty })), workers, () => {
    done++;
    report();
  });

  await writeTables(directory, plans);
  await writeJson(join(directory, recordFile), record);
  await remove(join(directory, partialFolder));
  return { record, drawn: missing.length };
}

function checkRecipe(options: PhantomDatasetOptions): Recipe {
  const { seed = 1, train = 240, test = 40, difficulty = "clear" } = options;
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(`Cannot write a phantom as seed must be a whole number: it is ${seed}`);
  }
  for (const [name, value, least] of [["train", train, 2], ["test", test, 0]] as const) {
    if (!Number.isInteger(value) || value < least || value > 100_000) {
      throw new RangeError(
        `Cannot write a phantom as ${name} must be a whole number from ${least} to 100000: ` +
          `it is ${value}`,
      );
    }
  }
  if (!Object.hasOwn(difficulties, difficulty)) {
    throw new RangeError(
      `Cannot write a phantom as difficulty must be one of ` +
        `${Object.keys(difficulties).join(", ")}: it is ${difficulty}`,
    );
  }
  return { version: recipeVersion, seed, difficulty, train, test };
}

function checkWorkers(workers = Math.min(4, navigator.hardwareConcurrency)): number {
  if (!Number.isInteger(workers) || workers < 1) {
    throw new RangeError(
      `Cannot write a phantom as workers must be a positive whole number: it is ${workers}`,
    );
  }
  return workers;
}

function describe(recipe: Recipe, plans: readonly FilmPlan[]): PhantomRecord {
  const labelled = plans.filter((plan) => plan.split === "train" && plan.labelled);
  const positives = labelled.filter((plan) => plan.positive).length;
  return {
    generator: "phantom",
    ...recipe,
    positives,
    negatives: labelled.length - positives,
    unlabelled: recipe.train - labelled.length,
  };
}

async function isComplete(
  directory: string,
  record: PhantomRecord,
  plans: readonly FilmPlan[],
): Promise<boolean> {
  if (!await holdsJson(join(directory, recordFile), record)) return false;
  const files = [trainTable, submissionTable, truthTable, ...plans.map(dicomPath)];
  const found = await Promise.all(files.map((file) => isWritten(join(directory, file))));
  return found.every((present) => present);
}

/** Leaves the directory with this recipe's beginnings, or empty but for the recipe. */
async function prepareDirectory(directory: string, recipe: Recipe): Promise<void> {
  const marker = join(directory, recipeFile);
  if (await holdsJson(marker, recipe)) return;
  const names = await listNames(directory);
  if (names.length > 0 && !names.includes(recordFile) && !names.includes(partialFolder)) {
    throw new PhantomError(
      `Cannot write a phantom into ${directory} as it holds other files (${names[0]}): ` +
        `name an empty or a new directory`,
    );
  }
  // Until everything old is gone the marker names no recipe, so that a second try clears again.
  await writeJson(marker, {});
  const old = ["dicom-images-train", "dicom-images-test", trainTable, submissionTable, truthTable];
  for (const name of [recordFile, ...old]) await remove(join(directory, name));
  for (const name of await listNames(join(directory, partialFolder))) {
    if (name !== "recipe.json") await remove(join(directory, partialFolder, name));
  }
  await writeJson(marker, recipe);
}

/** Headers and spaces are the competition's: `ImageId, EncodedPixels` has one in training only. */
async function writeTables(directory: string, plans: readonly FilmPlan[]): Promise<void> {
  const train = ["ImageId, EncodedPixels"];
  const submission = ["ImageId,EncodedPixels"];
  const truths = ["ImageId,EncodedPixels"];
  for (const plan of plans) {
    const text = await Deno.readTextFile(join(directory, truthPath(plan)));
    const { rows, union }: FilmTruth = JSON.parse(text);
    if (plan.split === "test") {
      submission.push(`${plan.imageId},-1`);
      truths.push(`${plan.imageId},${union}`);
    } else if (plan.labelled) {
      for (const row of rows) train.push(`${plan.imageId}, ${row}`);
    }
  }
  const write = (name: string, lines: string[]) =>
    writeFileAtomic(join(directory, name), lines.join("\n") + "\n");
  await write(trainTable, train);
  await write(submissionTable, submission);
  await write(truthTable, truths);
}

async function writeJson(path: string, content: object): Promise<void> {
  await writeFileAtomic(path, JSON.stringify(content, null, 2) + "\n");
}

/** Whether a file holds exactly this content; false if it is missing or no JSON. */
async function holdsJson(path: string, content: object): Promise<boolean> {
  try {
    return await Deno.readTextFile(path) === JSON.stringify(content, null, 2) + "\n";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function listNames(directory: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(directory)) names.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
}

/** Whether a file is there and not empty. */
async function isWritten(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).size > 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
