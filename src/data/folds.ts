import { Random } from "@/random/mod.ts";
import type { Film } from "./film.ts";

/** What a split needs to know of a film. */
export type Splittable = Pick<Film, "imageId" | "patientId" | "positive" | "area">;

/** Two disjoint lists of films, each sorted by ImageId. */
export interface Split<T> {
  training: T[];
  validation: T[];
}

/**
 * Splits films into folds so that no patient is in two folds, and all folds have about the same
 * number of films, of negatives, and of positives of each quartile of the annotated area.
 *
 * The groups are placed one by one, the largest first, where they leave the shares most even: the
 * greedy rule of scikit-learn's `StratifiedGroupKFold`, with the fold's size as one more stratum.
 *
 * @param films The films, in any order: the folds do not depend on it.
 * @param options.folds How many folds, at least 2.
 * @param options.seed The same seed gives the same folds.
 * @returns One list of films a fold, each sorted by ImageId.
 * @throws {RangeError} If there are fewer patients than folds, or an ImageId is there twice.
 */
export function groupedStratifiedFolds<T extends Splittable>(
  films: readonly T[],
  options: { folds: number; seed: number },
): T[][] {
  const { folds, seed } = options;
  if (!Number.isInteger(folds) || folds < 2) {
    throw new RangeError(`Cannot make folds as their number must be an integer >= 2: ${folds}`);
  }
  const patients = new Set(films.map((film) => film.patientId)).size;
  if (patients < folds) {
    throw new RangeError(
      `Cannot make folds as ${folds} of them need as many patients: there are ${patients}`,
    );
  }
  const shares = new Array<number>(folds).fill(1 / folds);
  return distribute(films, shares, new Random(seed, "folds"), (film) => film.patientId);
}

/**
 * The training and validation films when one fold is held out.
 *
 * @param folds The result of {@linkcode groupedStratifiedFolds}.
 * @param fold Which fold is for validation, from 0.
 * @throws {RangeError} If there is no such fold.
 */
export function holdOut<T extends Splittable>(folds: readonly T[][], fold: number): Split<T> {
  const validation = folds[fold];
  if (validation === undefined) {
    throw new RangeError(`Cannot hold out a fold as there are ${folds.length}, from 0: ${fold}`);
  }
  const training = folds.filter((_, i) => i !== fold).flat().sort(byImageId);
  return { training, validation: [...validation] };
}

/**
 * Splits films into training and validation so that both have about the same share of negatives and
 * of positives of each quartile of the annotated area.
 *
 * @param films The films, in any order: the split does not depend on it.
 * @param options.validation Share of the films for validation, between 0 and 1 (default 0.15).
 * @param options.seed The same seed gives the same split.
 * @param options.groupByPatient Whether all films of a patient stay together. Without it, as in most
 * solutions of the competition, the validation sees patients of the training films.
 * @throws {RangeError} If the share is not between 0 and 1, if a list would be empty, or if an
 * ImageId is there twice.
 */
export function stratifiedSplit<T extends Splittable>(
  films: readonly T[],
  options: { validation?: number; seed: number; groupByPatient: boolean },
): Split<T> {
  const { validation: share = 0.15, seed, groupByPatient } = options;
  if (!(share > 0 && share < 1)) {
    throw new RangeError(`Cannot split as the validation share must be in (0, 1): ${share}`);
  }
  const [training, validation] = distribute(
    films,
    [1 - share, share],
    new Random(seed, "split"),
    (film) => groupByPatient ? film.patientId : film.imageId,
  );
  if (!training?.length || !validation?.length) {
    throw new RangeError(
      `Cannot split as ${films.length} films leave a list empty at a validation share of ${share}`,
    );
  }
  return { training, validation };
}

/**
 * Places whole groups of films into parts with the given shares.
 *
 * With `c` films of a stratum in a part of share `w`, and `n` films of the stratum in all, the sum
 * of `(c / n - w)^2 / w` over strata and parts is what each placement keeps smallest. Adding `g`
 * films to a part changes it by `(2 c g + g^2) / (w n^2)`, up to a term that is the same for all
 * parts; for single films and one stratum this is the method of Sainte-Lague.
 */
function distribute<T extends Splittable>(
  films: readonly T[],
  shares: readonly number[],
  random: Random,
  groupOf: (film: T) => string,
): T[][] {
  const sorted = [...films].sort(byImageId);
  for (let i = 1; i < sorted.length; i++) {
    const { imageId } = sorted[i]!;
    if (imageId === sorted[i - 1]!.imageId) {
      throw new RangeError(`Cannot split films as an ImageId is there twice: ${imageId}`);
    }
  }
  const strata = areaStrata(sorted);
  const totals = new Array<number>(STRATA + 1).fill(0);
  const groups = new Map<string, { films: T[]; counts: number[] }>();
  for (const film of sorted) {
    const key = groupOf(film);
    let group = groups.get(key);
    if (group === undefined) {
      group = { films: [], counts: new Array<number>(STRATA + 1).fill(0) };
      groups.set(key, group);
    }
    group.films.push(film);
    for (const stratum of [strata.get(film.imageId)!, STRATA]) {
      group.counts[stratum]!++;
      totals[stratum]!++;
    }
  }
  const order = random.shuffle([...groups.values()]);
  order.sort((a, b) => b.films.length - a.films.length);

  const parts = shares.map((share) => ({
    share,
    films: [] as T[],
    counts: new Array<number>(STRATA + 1).fill(0),
  }));
  for (const group of order) {
    let best = parts[0]!;
    let lowest = Infinity;
    for (const part of parts) {
      let cost = 0;
      for (const [stratum, added] of group.counts.entries()) {
        if (added === 0) continue;
        const scale = part.share * totals[stratum]! ** 2;
        cost += (2 * part.counts[stratum]! * added + added ** 2) / scale;
      }
      if (cost < lowest) {
        lowest = cost;
        best = part;
      }
    }
    best.films.push(...group.films);
    group.counts.forEach((added, stratum) => best.counts[stratum]! += added);
  }
  return parts.map((part) => part.films.sort(byImageId));
}

/** Negatives, and four quartiles of positives. */
const STRATA = 5;

/** The stratum of each ImageId: 0 for a negative, 1 to 4 for the quartile of a positive's area. */
function areaStrata(films: readonly Splittable[]): Map<string, number> {
  const positives = films.filter((film) => film.positive);
  positives.sort((a, b) => a.area - b.area || byImageId(a, b));
  const strata = new Map(films.map((film) => [film.imageId, 0]));
  positives.forEach((film, rank) => {
    strata.set(film.imageId, 1 + Math.floor((4 * rank) / positives.length));
  });
  return strata;
}

function byImageId(a: Splittable, b: Splittable): number {
  return a.imageId < b.imageId ? -1 : a.imageId > b.imageId ? 1 : 0;
}
