import type { Excluded } from "@/data/mod.ts";
import type { TableValue } from "./table.ts";

/** Files that are left out, a row for each reason, the most frequent first, with one of them by name. */
export function excludedRows(excluded: readonly Excluded[]): Record<string, TableValue>[] {
  const byReason = [...Map.groupBy(excluded, ({ reason }) => reason)];
  return byReason.toSorted(([, a], [, b]) => b.length - a.length).map(([reason, files]) => ({
    files: files.length,
    "why": reason,
    "for example": files[0]!.imageId,
  }));
}
