import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { dice, iou } from "@/postprocessing/mod.ts";
import { Random } from "@/random/mod.ts";

const cases: [string, string, number, number][] = [
  ["0000", "0000", 1, 1],
  ["1100", "1100", 1, 1],
  ["1000", "0000", 0, 0],
  ["0000", "0010", 0, 0],
  ["1100", "0011", 0, 0],
  ["1100", "0110", 1 / 2, 1 / 3],
  ["1111", "1000", 2 / 5, 1 / 4],
];
for (const [prediction, truth, expectedDice, expectedIou] of cases) {
  Deno.test(`dice() and iou() of ${prediction} and ${truth}`, () => {
    const a = Uint8Array.from(prediction, Number);
    const b = Uint8Array.from(truth, (digit) => 255 * Number(digit));
    assertEquals([dice(a, b), dice(b, a)], [expectedDice, expectedDice]);
    assertEquals([iou(a, b), iou(b, a)], [expectedIou, expectedIou]);
  });
}

Deno.test("dice() is 2 iou / (1 + iou) for random masks", () => {
  for (let trial = 0; trial < 50; trial++) {
    const random = new Random(6, "overlap", trial);
    const draw = () => Uint8Array.from({ length: 40 }, () => random.chance(0.4) ? 1 : 0);
    const [a, b] = [draw(), draw()];
    assertAlmostEquals(dice(a, b), (2 * iou(a, b)) / (1 + iou(a, b)), 1e-12);
  }
});

Deno.test("dice() and iou() refuse masks of different lengths", () => {
  assertThrows(() => dice(new Uint8Array(4), new Uint8Array(5)), RangeError, "4, 5");
  assertThrows(() => iou(new Uint8Array(4), new Uint8Array(5)), RangeError, "4, 5");
});
