/** The largest difference of two lists of numbers, of 1 or of what is expected; NaN if one is NaN. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const apart = Math.abs(actual[i]! - expected[i]!) / Math.max(1, Math.abs(expected[i]!));
    if (Number.isNaN(apart)) return NaN;
    largest = Math.max(largest, apart);
  }
  return largest;
}
