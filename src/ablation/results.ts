import { join } from "node:path";
import { projectFolder } from "@/experiments/mod.ts";
import { writeFileAtomic } from "@/files/mod.ts";

/** One measured line. */
export interface MeasuredRow {
  group: string;
  name: string;
  /** Mean dice over the test films, for each seed. */
  dice: number[];
  /** The same over the films with pneumothorax. */
  dicePositive: number[];
  /** Share of the films without pneumothorax whose mask is empty, for each seed. */
  diceNegative: number[];
}

/** What an ablation came to, and what it was measured on. */
export interface AblationResults {
  seeds: number[];
  /** Films that the models were trained on, that rules were fitted on, and that all was scored on. */
  films: { training: number; validation: number; test: number };
  /** Mean dice of all-empty masks on the test films. */
  diceAllEmpty: number;
  /** The runs, so that each number can be traced back. */
  runs: { experiment: string; seed: number; run: string; commit: string | null }[];
  rows: MeasuredRow[];
}

const FILE = join(projectFolder, "experiments", "ablation", "results.json");

/** The results that are stored with the experiments. */
export async function readAblation(path: string = FILE): Promise<AblationResults> {
  return JSON.parse(await Deno.readTextFile(path));
}

/** Stores results, whole or not at all. */
export async function writeAblation(results: AblationResults, path: string = FILE): Promise<void> {
  await writeFileAtomic(path, JSON.stringify(results, null, 2) + "\n");
}

/**
 * Mean and sample standard deviation (divided by n - 1).
 *
 * @throws {RangeError} If there are no values.
 */
export function spread(values: readonly number[]): { mean: number; deviation: number } {
  if (values.length === 0) throw new RangeError("Cannot average values as there are none");
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return { mean, deviation: 0 };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}

/** All rows as one table: means over the seeds, with their deviation. */
export function ablationTable({ rows }: AblationResults): Record<string, string>[] {
  return rows.map(({ group, name, dice, dicePositive, diceNegative }) => ({
    part: group,
    choice: name,
    dice: withSpread(dice),
    "with pneumothorax": withSpread(dicePositive),
    "empty and right": withSpread(diceNegative),
  }));
}

/** "0.912 ± 0.004": mean and deviation. */
export function withSpread(values: readonly number[]): string {
  const { mean, deviation } = spread(values);
  return `${mean.toFixed(3)} ± ${deviation.toFixed(3)}`;
}

/**
 * The rows of a group for a chart, and a title that says which is best.
 *
 * @throws {RangeError} If the group has no rows.
 */
export function ablationChart({ rows }: AblationResults, group: string): {
  rows: { label: string; values: number[] }[];
  title: string;
} {
  const own = rows.filter((row) => row.group === group);
  const best = own.toSorted((a, b) => spread(b.dice).mean - spread(a.dice).mean)[0];
  if (!best) throw new RangeError(`Cannot draw an ablation as it has no such group: ${group}`);
  return {
    rows: own.map(({ name, dice }) => ({ label: name, values: dice })),
    title: `Best ${group}: ${best.name}, ${withSpread(best.dice)}`,
  };
}
