/**
 * Dice coefficient of two masks, `2 |A and B| / (|A| + |B|)`, as the competition counts it: 1 when
 * both are empty.
 *
 * @param prediction Row-major mask; every value but 0 is foreground.
 * @param truth Mask of the same length.
 * @returns 0 (no common pixel) to 1 (equal).
 * @throws {RangeError} If the lengths differ.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { dice } from "@/postprocessing/mod.ts";
 *
 * assertEquals(dice(Uint8Array.of(1, 1, 0), Uint8Array.of(0, 1, 1)), 0.5);
 * assertEquals(dice(Uint8Array.of(0, 0), Uint8Array.of(0, 0)), 1);
 * ```
 */
export function dice(prediction: Uint8Array, truth: Uint8Array): number {
  const { common, predicted, annotated } = maskOverlap(prediction, truth);
  return predicted + annotated === 0 ? 1 : (2 * common) / (predicted + annotated);
}

/**
 * Intersection over union (Jaccard index) of two masks, `|A and B| / |A or B|`: 1 when both are
 * empty.
 *
 * @param prediction Row-major mask; every value but 0 is foreground.
 * @param truth Mask of the same length.
 * @returns 0 (no common pixel) to 1 (equal).
 * @throws {RangeError} If the lengths differ.
 */
export function iou(prediction: Uint8Array, truth: Uint8Array): number {
  const { common, predicted, annotated } = maskOverlap(prediction, truth);
  const union = predicted + annotated - common;
  return union === 0 ? 1 : common / union;
}

/** Pixels that two masks share, and of each: what every measure of overlap is made of. */
export function maskOverlap(
  prediction: Uint8Array,
  truth: Uint8Array,
): { common: number; predicted: number; annotated: number } {
  if (prediction.length !== truth.length) {
    throw new RangeError(
      `Cannot compare masks as their lengths differ: ${prediction.length}, ${truth.length}`,
    );
  }
  let common = 0;
  let predicted = 0;
  let annotated = 0;
  for (let i = 0; i < truth.length; i++) {
    const inPrediction = prediction[i] !== 0;
    const inTruth = truth[i] !== 0;
    if (inPrediction) predicted++;
    if (inTruth) annotated++;
    if (inPrediction && inTruth) common++;
  }
  return { common, predicted, annotated };
}
