import {
  dataHash,
  type Dataset,
  datasetRoot,
  type Film,
  groupedStratifiedFolds,
  holdOut,
  loadDataset,
  prepare,
  type Prepared,
  type PrepareProgress,
  type Split,
  stratifiedSplit,
} from "@/data/mod.ts";
import { sha256 } from "@/files/mod.ts";
import type { Experiment } from "@/experiments/mod.ts";

/** The films of one stage: indexed, split, and prepared at the stage's size. */
export interface StageData {
  dataset: Dataset;
  prepared: Prepared;
  split: Split<Film>;
  /**
   * SHA-256 over the data set (see {@linkcode dataHash}) and the contents of the labelled films' files:
   * what a run must share with its continuation and its repetition.
   */
  hash: string;
}

/** Where the films come from. */
export interface StageDataOptions {
  /** The data set's folder. Default: `PNEUMOTHORAX_DATA`, else the phantom. */
  root?: string;
  /** Called after each prepared film. */
  onPrepare?: (progress: PrepareProgress) => void;
}

/** Reads a stage's films, prepares those that are not yet, and splits them as the experiment says. */
export async function loadStageData(
  experiment: Experiment,
  options: StageDataOptions = {},
): Promise<StageData> {
  const root = datasetRoot(options.root);
  const dataset = await loadDataset(root);
  const { size, contrast } = experiment.data;
  const prepared = await prepare(dataset.train, {
    root,
    size,
    contrast,
    ...(options.onPrepare && { onProgress: options.onPrepare }),
  });
  const films = dataset.train.filter((film) => prepared.has(film.imageId));
  return {
    dataset,
    prepared,
    split: splitStage(films, experiment),
    hash: sha256(JSON.stringify([dataHash(dataset), prepared.sourceHash])),
  };
}

/** The films of a stage's two sides, as its experiment says. */
export function splitStage(films: Film[], experiment: Experiment): Split<Film> {
  return limit(splitFilms(films, experiment.data.split), experiment);
}

function splitFilms(films: Film[], split: Experiment["data"]["split"]): Split<Film> {
  if (split.kind === "stratified") return stratifiedSplit(films, split);
  return holdOut(groupedStratifiedFolds(films, split), split.fold);
}

/** Keeps the first films of each class in turn, so that a short list has both classes. */
function limit({ training, validation }: Split<Film>, { data }: Experiment): Split<Film> {
  const { limit } = data;
  return {
    training: firstOfEachClass(training, limit?.train ?? training.length),
    validation: firstOfEachClass(validation, limit?.validation ?? validation.length),
  };
}

function firstOfEachClass(films: readonly Film[], count: number): Film[] {
  if (count >= films.length) return [...films];
  const positives = films.filter((film) => film.positive);
  const negatives = films.filter((film) => !film.positive);
  const fromPositives = Math.min(positives.length, Math.ceil(count / 2));
  return [...positives.slice(0, fromPositives), ...negatives.slice(0, count - fromPositives)];
}
