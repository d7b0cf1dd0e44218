import { assert, assertEquals } from "@std/assert";
import { medianSeconds, overlapRows } from "@/notebook/mod.ts";

Deno.test("overlapRows() tells each measure with its formula in pixels", () => {
  const rows = overlapRows({ common: 600, predicted: 800, annotated: 1200 });
  const shown = rows.map((row) => [row["measure"], row["in pixels"], row["value"]]);
  assertEquals(shown, [
    ["dice", "2 x 600 / (800 + 1,200)", 0.6],
    ["IoU", "600 / 1,400", 600 / 1400],
    ["precision", "600 / 800", 0.75],
    ["recall", "600 / 1,200", 0.5],
  ]);
});

Deno.test("medianSeconds() does the work once more than it counts", () => {
  let done = 0;
  const seconds = medianSeconds(() => done++, 5);
  assertEquals(done, 6);
  assert(seconds >= 0 && seconds < 1);
});
