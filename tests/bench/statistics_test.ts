import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { median, pairedRatio, summarize } from "./statistics.ts";

Deno.test("median() is the value in the middle, or the mean of the two", () => {
  const cases: [number[], number][] = [
    [[7], 7],
    [[9, 1, 5], 5],
    [[4, 1, 3, 10], 3.5],
    // As text, 10 would come before 9.
    [[10, 9, 100], 10],
  ];
  for (const [values, expected] of cases) assertEquals(median(values), expected);
  assertThrows(() => median([]), RangeError, "there are no values");
});

Deno.test("summarize() gives median and range, and leaves the samples in their order", () => {
  const samples = [30, 10, 20];
  assertEquals(summarize(samples), { median: 20, lowest: 10, highest: 30 });
  assertEquals(samples, [30, 10, 20]);
});

Deno.test("pairedRatio() compares within rounds", () => {
  // The ratios are 0.5, 0.5 and 2; that of the medians would be 8 / 4.
  assertAlmostEquals(pairedRatio([1, 10, 8], [2, 20, 4]), 0.5);
  assertAlmostEquals(pairedRatio([1, 3], [2, 4]), 0.625); // mean of 0.5 and 0.75
  assertThrows(() => pairedRatio([1], [1, 2]), RangeError, "1 and 2");
});
