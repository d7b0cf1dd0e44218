import { join } from "node:path";
import type { EpochMetrics } from "@/experiments/mod.ts";
import { writeFileAtomic } from "@/files/mod.ts";

/** Name of the table in a run's folder. */
export const HISTORY_FILE = "history.csv";

/** Writes an epoch's metrics on a line each, for spreadsheets and other programs. */
export async function writeHistory(folder: string, metrics: EpochMetrics[]): Promise<void> {
  await writeFileAtomic(join(folder, HISTORY_FILE), historyCsv(metrics));
}

/**
 * The metrics of a run as CSV (RFC 4180, with `\n`): a column for each name in the order in which they
 * first come, empty where an epoch has no such metric (one without validation).
 */
export function historyCsv(metrics: EpochMetrics[]): string {
  const names = [...new Set(["epoch", ...metrics.flatMap((epoch) => Object.keys(epoch))])];
  const lines = metrics.map((epoch) => names.map((name) => epoch[name] ?? "").join(","));
  return [names.join(","), ...lines].map((line) => `${line}\n`).join("");
}
