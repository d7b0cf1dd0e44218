import type { Excluded } from "@/data/mod.ts";
import { table, type TableValue } from "./table.ts";

/** Rows of a table in a notebook: the record and `deno task prepare` have them all. */
const MOST_ROWS = 50;

/**
 * The films that were left out, each with its reason, the damaged ones first; of many the first ones,
 * and how many more there are.
 *
 * @param excluded Of the data set and of the prepared films: `[...dataset.excluded, ...prepared.excluded]`.
 */
export function excludedRows(
  excluded: readonly Excluded[],
  most: number = MOST_ROWS,
): Record<string, TableValue>[] {
  const damagedFirst = excluded.toSorted((a, b) => Number(b.damaged ?? 0) - Number(a.damaged ?? 0));
  const rows = damagedFirst.slice(0, most).map(({ imageId, reason, damaged }) => ({
    film: imageId,
    "left out as": reason,
    damaged: damaged ? "yes" : "no",
  }));
  const more = excluded.length - rows.length;
  if (more === 0) return rows;
  return [...rows, { film: `and ${more} more`, "left out as": null, damaged: null }];
}

/** Shows {@linkcode excludedRows}, or that no film was left out. */
export async function showExcluded(excluded: readonly Excluded[]): Promise<void> {
  if (excluded.length === 0) console.log("No film was left out");
  else await table(excludedRows(excluded));
}
