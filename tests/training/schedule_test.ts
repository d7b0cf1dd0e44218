import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { learningRateAt, type Schedule, slidingAt } from "@/training/mod.ts";

const CONSTANT: Schedule = { schedule: "constant", initial: 0.4, warmupEpochs: 0 };
const COSINE: Schedule = { schedule: "cosine", initial: 1, final: 0.2, warmupEpochs: 0 };

/** Worked by hand. */
const CASES: [schedule: Schedule, epoch: number, epochs: number, rate: number][] = [
  [CONSTANT, 0, 10, 0.4],
  [CONSTANT, 9.9, 10, 0.4],
  [CONSTANT, 10, 10, 0.4],
  [COSINE, 0, 8, 1],
  [COSINE, 2, 8, 0.2 + 0.8 * (1 + Math.SQRT1_2) / 2],
  [COSINE, 4, 8, 0.6],
  [COSINE, 8 * 2 / 3, 8, 0.4], // cos(120 degrees) = -1/2
  [COSINE, 8, 8, 0.2],
  [{ ...COSINE, final: 1 }, 3, 8, 1],
  // A linear rise over two epochs, then a cosine over the other eight.
  [{ ...COSINE, warmupEpochs: 2 }, 0, 10, 0],
  [{ ...COSINE, warmupEpochs: 2 }, 0.5, 10, 0.25],
  [{ ...COSINE, warmupEpochs: 2 }, 2, 10, 1],
  [{ ...COSINE, warmupEpochs: 2 }, 6, 10, 0.6],
  [{ ...COSINE, warmupEpochs: 2 }, 10, 10, 0.2],
  [{ ...CONSTANT, warmupEpochs: 0.5 }, 0.25, 1, 0.2],
  [{ ...CONSTANT, warmupEpochs: 0.5 }, 0.5, 1, 0.4],
];

for (const [schedule, epoch, epochs, rate] of CASES) {
  const { warmupEpochs } = schedule;
  const name = `${schedule.schedule}, warm-up ${warmupEpochs}, at ${epoch.toFixed(2)} of ${epochs}`;
  Deno.test(`learningRateAt() ${name}`, () => {
    assertAlmostEquals(learningRateAt(schedule, epoch, epochs), rate, 1e-12);
  });
}

Deno.test("learningRateAt() never rises after the warm-up", () => {
  const rates = Array.from(
    { length: 81 },
    (_, i) => learningRateAt({ ...COSINE, warmupEpochs: 2 }, 2 + i / 10, 10),
  );
  assertEquals(rates.toSorted((a, b) => b - a), rates);
});

Deno.test("learningRateAt() refuses epochs outside of the stage", () => {
  for (const epoch of [-0.01, 10.01, NaN, Infinity]) {
    assertThrows(
      () => learningRateAt(COSINE, epoch, 10),
      RangeError,
      `the epoch must be in [0, 10]: ${epoch}`,
    );
  }
});

Deno.test("slidingAt() goes from the first epoch's share to the last one's", () => {
  const sliding = { from: 0.8, to: 0.2 };
  assertEquals([0, 1, 2, 3].map((epoch) => slidingAt(0.5, epoch, 4)), [0.5, 0.5, 0.5, 0.5]);
  for (const [epoch, share] of [0.8, 0.6, 0.4, 0.2].entries()) {
    assertAlmostEquals(slidingAt(sliding, epoch, 4), share, 1e-12);
  }
  assertEquals(slidingAt(sliding, 0, 1), 0.8);
});
