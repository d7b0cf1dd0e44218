import type { Run } from "./run.ts";

/**
 * What a repeated run did otherwise than the first: metrics of an epoch, apart from its seconds, and
 * the weights of each checkpoint.
 *
 * @returns A line for each difference; none if the runs came to the same.
 */
export function compareRuns(first: Run, second: Run): string[] {
  const lines: string[] = [];
  const compare = (what: string, a: unknown, b: unknown) => {
    if (!Object.is(a, b)) lines.push(`${what}: ${a ?? "nothing"}, now ${b ?? "nothing"}`);
  };
  compare("number of epochs", first.metrics.length, second.metrics.length);
  for (const [i, before] of first.metrics.entries()) {
    const after = second.metrics[i];
    if (!after) break;
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      if (name !== "seconds") compare(`epoch ${i + 1}, ${name}`, before[name], after[name]);
    }
  }
  const names = new Set([...Object.keys(first.checkpoints), ...Object.keys(second.checkpoints)]);
  for (const name of names as Set<keyof Run["checkpoints"]>) {
    const [before, after] = [first.checkpoints[name], second.checkpoints[name]];
    compare(`checkpoint ${name}, SHA-256`, before?.sha256, after?.sha256);
  }
  return lines;
}

/** What is other than it was for the first run, and may make a repetition come to something else. */
export function compareSurroundings(first: Run, second: Run): string[] {
  const lines: string[] = [];
  const compare = (what: string, a: unknown, b: unknown) => {
    if (a !== b) lines.push(`${what}: ${a ?? "unknown"}, now ${b ?? "unknown"}`);
  };
  compare("git commit", first.git.commit, second.git.commit);
  if (first.git.dirty) lines.push("git: files differed from the commit, which cannot be had back");
  const all = (a: Record<string, unknown>, b: Record<string, unknown>, what: string) => {
    for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
      compare(`${what} ${name}`, a[name], b[name]);
    }
  };
  all(first.versions, second.versions, "version of");
  all({ ...first.device }, { ...second.device }, "device,");
  compare("workers", first.workers, second.workers);
  all(first.environment, second.environment, "variable");
  return lines;
}
