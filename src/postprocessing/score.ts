import { type Film, FILM_SIZE, uniteRles } from "@/data/mod.ts";
import { type MetricValues, SegmentationMetrics } from "@/losses/mod.ts";
import type { Prediction } from "./ensemble.ts";
import { type MaskRule, toMask } from "./mask_rule.ts";
import { dice } from "./overlap.ts";

/** How well one film was predicted. */
export interface FilmScore {
  film: Film;
  /** 0 to 1; 1 if both masks are empty. */
  dice: number;
  /** Pixels at 1024 x 1024. */
  predictedArea: number;
  /** The predicted mask. // [1024 * 1024] */
  mask: Uint8Array;
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
  const byId = new Map(films.map((film) => [film.imageId, film]));
  const metrics = new SegmentationMetrics();
  const scores: FilmScore[] = [];
  for await (const { imageId, probabilities } of predictions) {
    const film = byId.get(imageId);
    if (!film) throw new RangeError(`Cannot score a film as it has no annotation: ${imageId}`);
    const mask = toMask(probabilities, rule);
    const truth = uniteRles(film.rows, FILM_SIZE, FILM_SIZE);
    let overlap = 0, predicted = 0, annotated = 0;
    for (let i = 0; i < mask.length; i++) {
      predicted += mask[i]!;
      annotated += truth[i]!;
      overlap += mask[i]! & truth[i]!;
    }
    metrics.add(overlap, predicted, annotated);
    scores.push({ film, dice: dice(mask, truth), predictedArea: predicted, mask });
  }
  return { films: scores, metrics: metrics.values() };
}
