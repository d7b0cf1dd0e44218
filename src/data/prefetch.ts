/**
 * Makes items ahead of their consumer: while one is used, the next `ahead` are under way.
 *
 * When the consumer leaves early, or an item fails, no other is started and those under way are
 * awaited, so that nothing goes on in the background.
 *
 * @param start Index of the first item.
 * @param end Index after the last item.
 * @param ahead How many items may be under way or waiting while the consumer works.
 * @param make Makes one item; its error reaches the consumer when that item's turn comes.
 */
export async function* prefetch<T>(
  start: number,
  end: number,
  ahead: number,
  make: (index: number) => Promise<T>,
): AsyncGenerator<T, void, void> {
  const pending: Promise<T>[] = [];
  let next = start;
  try {
    while (next < end || pending.length > 0) {
      while (next < end && pending.length <= ahead) {
        const item = make(next++);
        // Until its turn comes nobody listens to this item; the error itself is not lost.
        item.catch(() => {});
        pending.push(item);
      }
      yield await pending.shift()!;
    }
  } finally {
    await Promise.allSettled(pending);
  }
}
