import { type Film, FILM_SIZE, resizeMask } from "@/data/mod.ts";
import { type ComponentOverlap, componentOverlaps } from "./components.ts";
import type { Prediction } from "./ensemble.ts";
import { countAboveLevels, diceOfCounts } from "./level_counts.ts";
import { type MaskRule, minimumAreaOf } from "./mask_rule.ts";
import { threshold } from "./probabilities.ts";
import { withTruth } from "./score.ts";

/** One thing that post-processing can do. */
export type StepName = "flip" | "threshold" | "components" | "triplet" | "bySex" | "experiment";

/** What a step of post-processing brought. */
export interface FittingStep {
  name: StepName;
  /** Mean dice without it, 0 to 1. */
  before: number;
  /** Mean dice with the best of its values. */
  after: number;
  /** Whether it is part of the rule: only if `after` is greater than `before`. */
  kept: boolean;
  /** The rule with the best of its values, whether kept or not. */
  rule: MaskRule;
  /** All that was tried, with its mean dice. */
  tried: { rule: MaskRule; dice: number }[];
}

/** The rule that fits films best, and what each of its steps brought. */
export interface Fitting {
  rule: MaskRule;
  /** Mean dice of the rule on these films, 0 to 1; optimistic for others. */
  dice: number;
  /** In the order in which they were tried, each on top of those kept before it. */
  steps: FittingStep[];
  films: number;
}

/** What {@linkcode fitPostprocessing} tries; areas in pixels at 1024 x 1024. */
export interface FittingGrid {
  thresholds: readonly number[];
  minimumAreas: readonly number[];
  tops: readonly number[];
  areas: readonly number[];
  bottoms: readonly number[];
  /** Whole rules, tried at the end, such as that of the experiment. Default: none. */
  rules: readonly MaskRule[];
}

const DEFAULT_GRID: FittingGrid = {
  thresholds: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
  minimumAreas: [250, 500, 1000, 1500, 2000, 3000],
  tops: [0.5, 0.6, 0.7, 0.75, 0.8, 0.9],
  areas: [1, 250, 500, 1000, 1500, 2000, 3000, 5000],
  bottoms: [0.2, 0.3, 0.4, 0.5],
  rules: [],
};

/** The rule that every step must beat: the map of the film itself, and one half. */
export const PLAIN_RULE = {
  rule: "threshold",
  flip: false,
  threshold: 0.5,
  minimumArea: 0,
} as const satisfies MaskRule;

/**
 * Finds the post-processing that fits films best, step by step: averaging with the mirrored film, a
 * threshold, dropping small components, the triplet rule in place of the threshold, a threshold for
 * each sex, and at last whole rules that are given. A step is kept only if it improves the mean dice. Of
 * each film only numbers are kept, so that predictions may stream.
 *
 * @param predictions `plain` of an ensemble with `flip: false`, `flipped` of the same with `flip: true`;
 * where one is left out, the step "flip" is too. Maps are square; those smaller than 1024 x 1024 are
 * compared with masks of their size, which is faster and a little less exact.
 * @param films The films that are predicted, best those of validation.
 * @param values Other values to try.
 * @throws {RangeError} If there is no prediction, one is of an unknown film or not square, or `plain`
 * and `flipped` are of different films.
 */
export async function fitPostprocessing(
  predictions: {
    plain?: AsyncIterable<Prediction> | Iterable<Prediction>;
    flipped?: AsyncIterable<Prediction> | Iterable<Prediction>;
  },
  films: readonly Film[],
  values: Partial<FittingGrid> = {},
): Promise<Fitting> {
  const grid = { ...DEFAULT_GRID, ...values };
  const plain = predictions.plain && await statisticsOf(predictions.plain, films, grid);
  const flipped = predictions.flipped && await statisticsOf(predictions.flipped, films, grid);
  const first = plain ?? flipped;
  if (!first || first.length === 0) {
    throw new RangeError("Cannot fit post-processing as there is no prediction");
  }
  if (plain && flipped && idsOf(plain) !== idsOf(flipped)) {
    throw new RangeError(
      `Cannot fit post-processing as plain and flipped predictions are not of the same films: ` +
        `${plain.length} and ${flipped.length}`,
    );
  }
  const dice = (rule: MaskRule) => meanDice((rule.flip ? flipped : plain)!, rule);

  let rule: MaskRule = { ...PLAIN_RULE, flip: !plain };
  let score = dice(rule);
  const steps: FittingStep[] = [];
  const attempt = (name: StepName, candidates: MaskRule[]) => {
    const tried = candidates.map((rule) => ({ rule, dice: dice(rule) }));
    if (tried.length === 0) return;
    const best = tried.reduce((best, next) => next.dice > best.dice ? next : best);
    const kept = best.dice > score;
    steps.push({ name, before: score, after: best.dice, kept, rule: best.rule, tried });
    if (kept) [rule, score] = [best.rule, best.dice];
  };

  if (plain && flipped) attempt("flip", [{ ...rule, flip: true }]);
  attempt(
    "threshold",
    grid.thresholds.map((threshold) => ({ ...PLAIN_RULE, flip: rule.flip, threshold })),
  );
  const { threshold, flip } = { threshold: levelOf(rule), flip: rule.flip };
  attempt(
    "components",
    grid.minimumAreas.map((minimumArea) => {
      return { rule: "threshold", flip, threshold, minimumArea };
    }),
  );
  attempt("triplet", tripletRules(rule, grid));
  attempt("bySex", rulesBySex(rule, first, grid, dice));
  attempt("experiment", grid.rules.filter(({ flip }) => flip ? flipped : plain));
  return { rule, dice: score, steps, films: first.length };
}

/** What is kept of one film. */
interface FilmStatistics {
  imageId: string;
  sex: "M" | "F" | undefined;
  /** Annotated pixels, at 1024 x 1024 as all areas. */
  annotated: number;
  /** Pixels above a level, for each of the grid's tops. */
  above: Map<number, number>;
  /** The regions above a level, for each level that a pixel may have to exceed. */
  components: Map<number, ComponentOverlap[]>;
}

async function statisticsOf(
  predictions: AsyncIterable<Prediction> | Iterable<Prediction>,
  films: readonly Film[],
  grid: FittingGrid,
): Promise<FilmStatistics[]> {
  const { tops, levels } = levelsOf(grid);
  const statistics: FilmStatistics[] = [];
  for await (const { film, probabilities, truth } of withTruth(predictions, films)) {
    const side = Math.sqrt(probabilities.length);
    if (!Number.isInteger(side) || side === 0 || side > FILM_SIZE) {
      throw new RangeError(
        `Cannot fit post-processing as the map of ${film.imageId} is not square, or larger than ` +
          `the film: ${probabilities.length} values`,
      );
    }
    const mask = side === FILM_SIZE ? truth : resizeMask(truth, FILM_SIZE, side);
    const scale = (FILM_SIZE / side) ** 2;
    const { above, annotated } = countAboveLevels(probabilities, mask, tops);
    const components = levels.map((level) => {
      const overlaps = componentOverlaps(threshold(probabilities, level), mask, side, side);
      const scaled = overlaps.map(({ area, common }) => {
        return { area: area * scale, common: common * scale };
      });
      return [level, scaled] as const;
    });
    statistics.push({
      imageId: film.imageId,
      sex: film.sex,
      annotated: annotated * scale,
      above: new Map(tops.map((top, i) => [top, above[i]! * scale])),
      components: new Map(components),
    });
  }
  return statistics;
}

/** The probabilities that a rule of the grid may ask about: for sure pixels, and for all that count. */
function levelsOf(grid: FittingGrid): { tops: number[]; levels: number[] } {
  const { rules } = grid;
  const tops = rules.flatMap((rule) => rule.rule === "triplet" ? [rule.top] : []);
  const levels = rules.flatMap((rule) => [levelOf(rule), ...Object.values(rule.bySex ?? {})]);
  return {
    tops: [...new Set([...grid.tops, ...tops])],
    levels: [...new Set([PLAIN_RULE.threshold, ...grid.thresholds, ...grid.bottoms, ...levels])],
  };
}

function idsOf(statistics: readonly FilmStatistics[]): string {
  return statistics.map(({ imageId }) => imageId).sort().join(" ");
}

function meanDice(films: readonly FilmStatistics[], rule: MaskRule): number {
  let sum = 0;
  for (const film of films) sum += filmDice(film, rule);
  return sum / films.length;
}

/** The dice that `toMask` would give, from the numbers that are kept. */
function filmDice(film: FilmStatistics, rule: MaskRule): number {
  if (rule.rule === "triplet" && film.above.get(rule.top)! < rule.area) {
    return diceOfCounts(0, 0, film.annotated);
  }
  const minimumArea = minimumAreaOf(rule);
  const level = (film.sex && rule.bySex?.[film.sex]) ?? levelOf(rule);
  let predicted = 0;
  let common = 0;
  for (const component of film.components.get(level)!) {
    if (component.area < minimumArea) continue;
    predicted += component.area;
    common += component.common;
  }
  return diceOfCounts(common, predicted, film.annotated);
}

/** The probability that a pixel must exceed. */
function levelOf(rule: MaskRule): number {
  return rule.rule === "triplet" ? rule.bottom : rule.threshold;
}

/** All triplets, without a filter of components and with that of the rule so far. */
function tripletRules(soFar: MaskRule, grid: FittingGrid): MaskRule[] {
  const { flip } = soFar;
  const minimumRegion = minimumAreaOf(soFar);
  const filters = minimumRegion > 0 ? [{}, { minimumRegion }] : [{}];
  return grid.tops.flatMap((top) =>
    grid.areas.flatMap((area) =>
      grid.bottoms.filter((bottom) => bottom <= top).flatMap((bottom) =>
        filters.map((filter) => ({ rule: "triplet" as const, flip, top, area, bottom, ...filter }))
      )
    )
  );
}

/**
 * Other levels for one sex, then the best of both together: films of one sex do not depend on the
 * other's level.
 */
function rulesBySex(
  rule: MaskRule,
  films: readonly FilmStatistics[],
  grid: FittingGrid,
  dice: (rule: MaskRule) => number,
): MaskRule[] {
  const sexes = new Set(films.map(({ sex }) => sex));
  if (!sexes.has("M") || !sexes.has("F")) return [];
  const common = levelOf(rule);
  const levels = rule.rule === "triplet"
    ? grid.bottoms.filter((bottom) => bottom <= rule.top)
    : grid.thresholds;
  const candidates: MaskRule[] = [];
  const best = { M: common, F: common };
  for (const sex of ["M", "F"] as const) {
    let highest = -1;
    for (const level of new Set([common, ...levels])) {
      const candidate = { ...rule, bySex: { M: common, F: common, [sex]: level } };
      candidates.push(candidate);
      const value = dice(candidate);
      if (value <= highest) continue;
      highest = value;
      best[sex] = level;
    }
  }
  return [...candidates, { ...rule, bySex: best }];
}
