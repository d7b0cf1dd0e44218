/**
 * Calls a function for each item, with at most `limit` calls under way.
 *
 * @param items What to go through; calls start in this order.
 * @param limit How many calls may be under way, a positive integer.
 * @param visit The function. When a call fails no other is started, those under way are awaited, and
 * the first error is thrown.
 */
export async function forEachConcurrent<T>(
  items: Iterable<T>,
  limit: number,
  visit: (item: T) => Promise<void>,
): Promise<void> {
  if (!Number.isInteger(limit) || limit < 1) {
    throw new RangeError(`Cannot work concurrently as limit must be a positive integer: ${limit}`);
  }
  const errors: unknown[] = [];
  const remaining = items[Symbol.iterator]();
  async function work(): Promise<void> {
    while (errors.length === 0) {
      const next = remaining.next();
      if (next.done) return;
      try {
        await visit(next.value);
      } catch (error) {
        errors.push(error);
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, work));
  if (errors.length > 0) throw errors[0];
}
