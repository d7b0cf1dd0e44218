import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { averageProbabilities, flipHorizontal, threshold } from "@/postprocessing/mod.ts";

Deno.test("flipHorizontal() mirrors each row, and twice is nothing", () => {
  const map = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
  assertEquals([...flipHorizontal(map, 3)], [3, 2, 1, 6, 5, 4, 9, 8, 7]);
  assertEquals(flipHorizontal(flipHorizontal(map, 3), 3), map);
  assertThrows(() => flipHorizontal(map, 4), RangeError, "values: 9");
});

Deno.test("averageProbabilities() is the mean", () => {
  const mean = averageProbabilities([
    Float32Array.of(0, 1, 0.5),
    Float32Array.of(1, 1, 0.25),
    Float32Array.of(0.5, 1, 0),
  ]);
  [0.5, 1, 0.25].forEach((value, i) => assertAlmostEquals(mean[i]!, value, 1e-6));
  const one = Float32Array.of(0.1, 0.9);
  assertEquals(averageProbabilities([one]), one);
  assertThrows(() => averageProbabilities([]), RangeError, "none");
  assertThrows(() => averageProbabilities([one, Float32Array.of(1)]), RangeError, "2, 1");
});

Deno.test("threshold() takes what is strictly greater", () => {
  const map = Float32Array.of(0, 0.25, 0.5, 0.75, 1);
  assertEquals([...threshold(map)], [0, 0, 0, 1, 1]);
  assertEquals([...threshold(map, 0.25)], [0, 0, 1, 1, 1]);
  assertEquals([...threshold(map, 1)], [0, 0, 0, 0, 0]);
  for (const level of [-0.1, 1.1, NaN]) {
    assertThrows(() => threshold(map, level), RangeError, `${level}`);
  }
  assertThrows(() => threshold(Float32Array.of(0, NaN)), RangeError, "pixel 1");
});
