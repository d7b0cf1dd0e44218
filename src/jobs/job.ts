/** One run among several that differ in some fields. */
export interface Job {
  /** What is its own, for people: `fold=0`, `initial=0.001, seed=2`; empty if it is the only one. */
  label: string;
  /** The fields that differ, as `--set` takes them. */
  overrides: readonly string[];
}

/** A single run, of the experiments as they are. */
export const ONE_JOB: Job = { label: "", overrides: [] };

/**
 * One job for each fold that is held out for validation.
 *
 * @throws {RangeError} If `folds` is not a whole number from 2 to 100.
 */
export function foldJobs(folds: number): Job[] {
  if (!Number.isInteger(folds) || folds < 2 || folds > 100) {
    throw new RangeError(
      `Cannot make folds as --folds must be a whole number from 2 to 100: ${folds}`,
    );
  }
  return Array.from({ length: folds }, (_, fold) => ({
    label: `fold=${fold}`,
    overrides: [`data.split={ kind: folds, folds: ${folds}, fold: ${fold} }`],
  }));
}

/** Every job of one list with every job of another. */
export function crossJobs(first: readonly Job[], second: readonly Job[]): Job[] {
  return first.flatMap((a) =>
    second.map((b) => ({
      label: [a.label, b.label].filter(Boolean).join(", "),
      overrides: [...a.overrides, ...b.overrides],
    }))
  );
}
