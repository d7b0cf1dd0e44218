import {
  encodeRle,
  type Film,
  FILM_SIZE,
  type FilmFile,
  readRleTable,
  uniteRles,
} from "@/data/mod.ts";
import { type MetricValues, SegmentationMetrics } from "@/losses/mod.ts";
import type { Prediction } from "./ensemble.ts";
import { type MaskRule, toMask } from "./mask_rule.ts";
import { dice, maskOverlap } from "./overlap.ts";
import type { Answer } from "./submission.ts";

/** How well one film was predicted. */
export interface FilmScore {
  film: Film;
  /** 0 to 1; 1 if both masks are empty. */
  dice: number;
  /** Pixels at 1024 x 1024. */
  predictedArea: number;
  /** The predicted mask as run lengths: thousands of masks of 1024 x 1024 would fill the memory. */
  rle: string;
}

/** Scores of films, and the metrics over all of them. */
export interface Scores {
  films: FilmScore[];
  metrics: MetricValues;
}

/**
 * Scores predictions against annotations at full size, as the competition does.
 *
 * @throws {RangeError} If a prediction is of a film that is not among those given.
 */
export async function scorePredictions(
  predictions: AsyncIterable<Prediction>,
  films: readonly Film[],
  rule: MaskRule,
): Promise<Scores> {
  const metrics = new SegmentationMetrics();
  const scores: FilmScore[] = [];
  for await (const { film, truth, probabilities } of withTruth(predictions, films)) {
    const mask = toMask(probabilities, rule, film.sex);
    const { common, predicted, annotated } = maskOverlap(mask, truth);
    metrics.add(common, predicted, annotated);
    const rle = encodeRle(mask, FILM_SIZE, FILM_SIZE);
    scores.push({ film, dice: dice(mask, truth), predictedArea: predicted, rle });
  }
  return { films: scores, metrics: metrics.values() };
}

/**
 * The metrics of several rules on the same predictions, which are made once and not kept.
 *
 * @returns Those of each rule, in their order.
 */
export async function scoreRules(
  predictions: AsyncIterable<Prediction>,
  films: readonly Film[],
  rules: readonly MaskRule[],
): Promise<MetricValues[]> {
  const metrics = rules.map(() => new SegmentationMetrics());
  for await (const { film, truth, probabilities } of withTruth(predictions, films)) {
    for (const [i, rule] of rules.entries()) {
      const mask = toMask(probabilities, rule, film.sex);
      const { common, predicted, annotated } = maskOverlap(mask, truth);
      metrics[i]!.add(common, predicted, annotated);
    }
  }
  return metrics.map((metric) => metric.values());
}

/**
 * The answers of a submission, film by film, as the predictions come.
 *
 * @param films The films that are predicted: a rule that treats the sexes differently needs them.
 * @throws {RangeError} If the rule needs a film that is not given.
 */
export async function* predictMasks(
  predictions: AsyncIterable<Prediction>,
  rule: MaskRule,
  films: readonly FilmFile[] = [],
): AsyncGenerator<Answer, void, void> {
  const byId = new Map(films.map((film) => [film.imageId, film]));
  for await (const { imageId, probabilities } of predictions) {
    const film = byId.get(imageId);
    if (rule.bySex && !film) {
      throw new RangeError(
        `Cannot make the mask of ${imageId} as the rule depends on the sex and the film is not given`,
      );
    }
    yield { imageId, mask: toMask(probabilities, rule, film?.sex) };
  }
}

/**
 * Scores a submission against a table of true masks, if there is one: only a phantom has it.
 *
 * @param path The submission.
 * @param truthPath A CSV file as `train-rle.csv`, for the test films.
 * @returns The metrics, or `undefined` if there is no file of true masks.
 * @throws {RangeError} If the submission lacks a film of the table.
 */
export async function scoreSubmission(
  path: string,
  truthPath: string,
): Promise<MetricValues | undefined> {
  try {
    await Deno.stat(truthPath);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const masks = async (path: string) =>
    Map.groupBy(await readRleTable(path), ({ imageId }) => imageId);
  const submitted = await masks(path);
  const metrics = new SegmentationMetrics();
  for (const [imageId, rows] of await masks(truthPath)) {
    const answer = submitted.get(imageId);
    if (!answer) throw new RangeError(`Cannot score ${path} as it lacks the film ${imageId}`);
    const [mask, truth] = [answer, rows].map((rows) =>
      uniteRles(rows.map(({ encodedPixels }) => encodedPixels), FILM_SIZE, FILM_SIZE)
    );
    const { common, predicted, annotated } = maskOverlap(mask!, truth!);
    metrics.add(common, predicted, annotated);
  }
  return metrics.values();
}

/**
 * Predictions with their films and annotations.
 *
 * @throws {RangeError} If a prediction is of a film that is not among those given.
 */
export async function* withTruth(
  predictions: AsyncIterable<Prediction> | Iterable<Prediction>,
  films: readonly Film[],
): AsyncGenerator<{ film: Film; probabilities: Float32Array; truth: Uint8Array }, void, void> {
  const byId = new Map(films.map((film) => [film.imageId, film]));
  for await (const { imageId, probabilities } of predictions) {
    const film = byId.get(imageId);
    if (!film) throw new RangeError(`Cannot score a film as it has no annotation: ${imageId}`);
    yield { film, probabilities, truth: uniteRles(film.rows, FILM_SIZE, FILM_SIZE) };
  }
}
