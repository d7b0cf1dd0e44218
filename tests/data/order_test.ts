import { assertEquals, assertLessOrEqual, assertNotEquals, assertThrows } from "@std/assert";
import { epochOrder } from "@/data/mod.ts";

const films = Array.from({ length: 100 }, (_, i) => ({ imageId: `film${i}`, positive: i < 22 }));

function counts(order: readonly { imageId: string }[]): Map<string, number> {
  const count = new Map<string, number>();
  for (const { imageId } of order) count.set(imageId, (count.get(imageId) ?? 0) + 1);
  return count;
}

Deno.test("epochOrder() has each film once, in an order of its own for seed and epoch", () => {
  const order = epochOrder(films, { seed: 1, epoch: 3 });
  assertEquals(counts(order).size, 100);
  assertEquals(order.length, 100);
  assertEquals(epochOrder(films, { seed: 1, epoch: 3 }), order);
  assertNotEquals(epochOrder(films, { seed: 1, epoch: 4 }), order);
  assertNotEquals(epochOrder(films, { seed: 2, epoch: 3 }), order);
  assertNotEquals(order, films);
});

for (const positiveShare of [0, 0.1, 0.22, 0.5, 0.8, 1]) {
  Deno.test(`epochOrder() keeps the length and gives a share of ${positiveShare}`, () => {
    const order = epochOrder(films, { seed: 1, epoch: 0, positiveShare });
    const wanted = Math.round(positiveShare * 100);
    assertEquals(order.length, 100);
    assertEquals(order.filter((film) => film.positive).length, wanted);
    for (const [imageId, count] of counts(order)) {
      const positive = Number(imageId.slice(4)) < 22;
      const mean = positive ? wanted / 22 : (100 - wanted) / 78;
      assertLessOrEqual(Math.abs(count - mean), 1, imageId);
    }
    assertEquals(epochOrder(films, { seed: 1, epoch: 0, positiveShare }), order);
  });
}

Deno.test("epochOrder() mixes classes instead of sorting them", () => {
  const order = epochOrder(films, { seed: 1, epoch: 0, positiveShare: 0.5 });
  const early = order.slice(0, 50).filter((film) => film.positive).length;
  assertLessOrEqual(Math.abs(early - 25), 15);
});

Deno.test("epochOrder() refuses ill shares and classes without a film", () => {
  for (const positiveShare of [-0.1, 1.1, NaN]) {
    assertThrows(
      () => epochOrder(films, { seed: 1, epoch: 0, positiveShare }),
      RangeError,
      `${positiveShare}`,
    );
  }
  const negatives = films.slice(22);
  assertThrows(
    () => epochOrder(negatives, { seed: 1, epoch: 0, positiveShare: 0.5 }),
    RangeError,
    "39 positive films",
  );
  assertThrows(
    () => epochOrder(films.slice(0, 22), { seed: 1, epoch: 0, positiveShare: 0.5 }),
    RangeError,
    "negative films",
  );
});
