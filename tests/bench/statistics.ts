/** What some samples of the same thing say. */
export interface Summary {
  median: number;
  lowest: number;
  highest: number;
}

/** The value in the middle; of an even number, the mean of the two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("Cannot take a median as there are no values");
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Median and range of samples. */
export function summarize(samples: readonly number[]): Summary {
  return {
    median: median(samples),
    lowest: Math.min(...samples),
    highest: Math.max(...samples),
  };
}

/**
 * The median of the rounds' ratios: both sides of a round ran one after the other, so that what changes
 * slowly on the machine changes both.
 *
 * @param ours Samples, one a round.
 * @param peer As many.
 */
export function pairedRatio(ours: readonly number[], peer: readonly number[]): number {
  if (ours.length !== peer.length) {
    throw new RangeError(
      `Cannot compare samples as both sides must have as many: ${ours.length} and ${peer.length}`,
    );
  }
  return median(ours.map((value, round) => value / peer[round]!));
}
