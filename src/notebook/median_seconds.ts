/** The median time that some work takes, in seconds, after one run that does not count. */
export function medianSeconds(work: () => unknown, runs: number): number {
  work();
  const times = Array.from({ length: runs }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return times.toSorted((a, b) => a - b)[Math.floor(runs / 2)]! / 1000;
}
