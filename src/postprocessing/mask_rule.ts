import { FILM_SIZE } from "@/data/mod.ts";
import type { Experiment } from "@/experiments/mod.ts";
import { removeSmallComponents } from "./components.ts";
import { threshold } from "./probabilities.ts";
import { tripletRule } from "./triplet.ts";

/** How probabilities become a mask, as an experiment says. */
export type MaskRule = Experiment["postprocessing"];

/**
 * Makes the mask of one film.
 *
 * @param probabilities Row-major. // [1024 * 1024]
 * @returns 0 or 1, row-major. // [1024 * 1024]
 */
export function toMask(probabilities: Float32Array, rule: MaskRule): Uint8Array {
  if (rule.rule === "triplet") return tripletRule(probabilities, rule);
  const mask = threshold(probabilities, rule.threshold);
  return removeSmallComponents(mask, FILM_SIZE, FILM_SIZE, rule.minimumArea);
}
