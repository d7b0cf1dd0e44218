import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { Random } from "@/random/mod.ts";

const draws = (random: Random, count = 20_000) =>
  Array.from({ length: count }, () => random.uniform());

Deno.test("Random gives the same stream for the same seed and keys, another for others", () => {
  assertEquals(draws(new Random(1, "a", 2), 5), draws(new Random(1, "a", 2), 5));
  for (const other of [new Random(2, "a", 2), new Random(1, "b", 2), new Random(1, "a", 3)]) {
    assertNotEquals(draws(other, 5), draws(new Random(1, "a", 2), 5));
  }
});

Deno.test("Random.uniform() has the mean 1/2 and the variance 1/12", () => {
  const values = draws(new Random(3));
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  assertAlmostEquals(mean, 1 / 2, 0.01);
  assertAlmostEquals(variance, 1 / 12, 0.003);
  assert(values.every((value) => value >= 0 && value < 1));
});

Deno.test("Random.normal() has the mean and the deviation asked for", () => {
  const random = new Random(4);
  const values = Array.from({ length: 20_000 }, () => random.normal(5, 2));
  const mean = values.reduce((a, b) => a + b) / values.length;
  assertAlmostEquals(mean, 5, 0.05);
  assertAlmostEquals(
    Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length),
    2,
    0.05,
  );
});

Deno.test("Random.shuffle() keeps every element and leaves its argument alone", () => {
  const items = [1, 2, 3, 4, 5, 6, 7, 8];
  const shuffled = new Random(5).shuffle(items);
  assertEquals(items, [1, 2, 3, 4, 5, 6, 7, 8]);
  assertNotEquals(shuffled, items);
  assertEquals(shuffled.toSorted(), items);
});

Deno.test("Random refuses a seed and a bound that make no sense", () => {
  assertThrows(() => new Random(NaN), RangeError, "seed must be finite");
  assertThrows(() => new Random(1).integer(0), RangeError, "positive integer");
});
