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
 * @param rule How.
 * @param sex Of the film's patient, for a rule that treats the sexes differently; `undefined` where
 * it is not known: then the rule's common level is used.
 * @returns 0 or 1, row-major. // [1024 * 1024]
 */
export function toMask(
  probabilities: Float32Array,
  rule: MaskRule,
  sex?: "M" | "F" | undefined,
): Uint8Array {
  const own = sex && rule.bySex?.[sex];
  const mask = rule.rule === "triplet"
    ? tripletRule(probabilities, { ...rule, bottom: own ?? rule.bottom })
    : threshold(probabilities, own ?? rule.threshold);
  const minimumArea = minimumAreaOf(rule);
  return minimumArea > 0 ? removeSmallComponents(mask, FILM_SIZE, FILM_SIZE, minimumArea) : mask;
}

/** The area below which a rule drops connected components; 0 where it drops none. */
export function minimumAreaOf(rule: MaskRule): number {
  return rule.rule === "triplet" ? rule.minimumRegion ?? 0 : rule.minimumArea;
}

/**
 * A rule in words, for example `mirrored too, threshold 0.5, components of 2000 px or more`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ruleText } from "@/postprocessing/mod.ts";
 *
 * const rule = { rule: "threshold", flip: true, threshold: 0.5, minimumArea: 2000 } as const;
 * assertEquals(ruleText(rule), "mirrored too, threshold 0.5, components of 2000 px or more");
 * ```
 */
export function ruleText(rule: MaskRule): string {
  const parts = rule.rule === "triplet"
    ? [`${rule.area} px above ${rule.top}, then threshold ${rule.bottom}`]
    : [`threshold ${rule.threshold}`];
  if (rule.flip) parts.unshift("mirrored too");
  if (rule.bySex) parts.push(`for men ${rule.bySex.M}, for women ${rule.bySex.F}`);
  const minimumArea = minimumAreaOf(rule);
  if (minimumArea > 0) parts.push(`components of ${minimumArea} px or more`);
  return parts.join(", ");
}
