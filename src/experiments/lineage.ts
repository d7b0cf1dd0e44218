import type { Run } from "./run.ts";

/** A run in a tree of runs. */
export interface LineageRow {
  run: Run;
  /** Lines that lead from the run that it started from, for example "│  └─ "; "" at a root. */
  branch: string;
  /** Runs between it and its root, itself included; 0 at a root. */
  depth: number;
}

/**
 * Runs in the order of their descent: each below the run that it started from, the older first. A run
 * whose parent is not among them stands at the root.
 */
export function lineage(runs: readonly Run[]): LineageRow[] {
  const ids = new Set(runs.map(({ id }) => id));
  const oldestFirst = runs.toSorted((a, b) => a.started.localeCompare(b.started));
  const children = Map.groupBy(
    oldestFirst,
    ({ parent }) => parent && ids.has(parent.run) ? parent.run : undefined,
  );
  const below = (id: string, indent: string, depth: number): LineageRow[] => {
    const own = children.get(id) ?? [];
    return own.flatMap((run, i) => {
      const isLast = i === own.length - 1;
      return [
        { run, branch: indent + (isLast ? "└─ " : "├─ "), depth },
        ...below(run.id, indent + (isLast ? "   " : "│  "), depth + 1),
      ];
    });
  };
  return (children.get(undefined) ?? []).flatMap((run) => [
    { run, branch: "", depth: 0 },
    ...below(run.id, "", 1),
  ]);
}
