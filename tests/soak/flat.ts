/** What a process holds at one moment. */
export interface Sample {
  /** Training steps so far. */
  step: number;
  /** Resident memory, MiB. */
  memory: number;
  /** JavaScript's part of it that is in use, MiB. */
  heap: number;
  /** Open files, sockets among them. */
  handles: number;
  threads: number;
  tensors: number;
}

/** Samples before this share of the steps do not count: caches fill, functions are traced. */
const WARM_FROM = 0.2;

/**
 * What did not stay flat, from the first fifth of the steps to the end: more open files, threads or
 * tensors than before, or memory that grew by more than a share. Memory is compared as the mean of the
 * first and of the last third of the samples, as it goes up and down with garbage collection.
 *
 * @param growth Share that memory may grow by, for example 0.1.
 * @returns A line for each; none if all is flat.
 * @throws {RangeError} If there are less than six samples after the first fifth.
 */
export function notFlat(samples: readonly Sample[], growth: number): string[] {
  const last = samples.at(-1)?.step ?? 0;
  const warm = samples.filter(({ step }) => step >= WARM_FROM * last);
  if (warm.length < 6) {
    throw new RangeError(`Cannot tell what is flat as there are too few samples: ${warm.length}`);
  }
  const lines: string[] = [];
  const early = warm.slice(0, Math.floor(warm.length / 3));
  const late = warm.slice(-early.length);
  for (const name of ["handles", "threads", "tensors"] as const) {
    const most = (part: Sample[]) => Math.max(...part.map((sample) => sample[name]));
    if (most(late) > most(early)) lines.push(`${name}: ${most(early)}, at the end ${most(late)}`);
  }
  const mean = (part: Sample[]) => part.reduce((sum, { memory }) => sum + memory, 0) / part.length;
  const share = mean(late) / mean(early) - 1;
  if (share > growth) {
    lines.push(
      `memory: ${mean(early).toFixed(0)} MiB, at the end ${mean(late).toFixed(0)} MiB ` +
        `(${(100 * share).toFixed(1)} % more)`,
    );
  }
  return lines;
}
