import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  endsCycle,
  learningRateAt,
  PATIENT,
  type RestartSchedule,
  type Schedule,
  slidingAt,
  watch,
} from "@/training/mod.ts";

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

const RESTARTS: RestartSchedule = {
  schedule: "cosine-restarts",
  initial: 1,
  final: 0.1,
  warmupEpochs: 0,
  cycleEpochs: 4,
  cycleFactor: 2,
};

Deno.test("learningRateAt() with restarts equals Keras's CosineDecayRestarts", () => {
  // Keras 3.15, first_decay_steps 4, t_mul 2, alpha 0.1; it begins a third cycle at 12.
  const expected: [epoch: number, rate: number][] = [
    [0, 1],
    [1, 0.8681980967521667],
    [2, 0.5499999523162842],
    [3, 0.23180195689201355],
    [4, 1],
    [5, 0.9657458066940308],
    [8, 0.5499999523162842],
    [11, 0.13425417244434357],
    [12, 1],
    [13, 0.9913533926010132],
    [20, 0.5499999523162842],
  ];
  for (const [epoch, rate] of expected) {
    assertAlmostEquals(learningRateAt(RESTARTS, epoch, 28), rate, 2e-7);
    // The same cycles after a warm-up of two epochs.
    const later = { ...RESTARTS, warmupEpochs: 2 };
    assertAlmostEquals(learningRateAt(later, epoch + 2, 30), rate, 2e-7);
  }
  assertEquals(learningRateAt({ ...RESTARTS, warmupEpochs: 2 }, 1, 30), 0.5);
  // A stage that ends with a cycle ends with its last rate.
  assertEquals(learningRateAt(RESTARTS, 12, 12), 0.1);
});

Deno.test("endsCycle() names the last epochs of the cosine cycles", () => {
  const ends = (schedule: Schedule) =>
    Array.from({ length: 14 }, (_, i) => i + 1).filter((epoch) => endsCycle(schedule, epoch));
  assertEquals(ends(RESTARTS), [4, 12]);
  assertEquals(ends({ ...RESTARTS, cycleFactor: 1 }), [4, 8, 12]);
  assertEquals(ends({ ...RESTARTS, cycleEpochs: 1, cycleFactor: 3 }), [1, 4, 13]);
  assertEquals(ends({ ...RESTARTS, warmupEpochs: 1 }), [5, 13]);
  assertEquals(ends({ ...RESTARTS, warmupEpochs: 0.5 }), [5, 13]);
  assertEquals(ends(COSINE), []);
});

/**
 * Keras 3.15's `ReduceLROnPlateau` (how often the rate has been halved after each value) and
 * `EarlyStopping` (after how many values it stops).
 */
const RISING = [0.5, 0.6, 0.58, 0.6, 0.61, 0.61, 0.605, 0.6, 0.59, 0.7, 0.69, 0.68, 0.67];
const FALLING = [1, 0.8, 0.85, 0.79, 0.785, 0.78, 0.9, 0.9, 0.9, 0.9, 0.5];
const PLATEAUS: [
  metric: "dice" | "loss",
  patience: number,
  minimumChange: number,
  reductions: number[],
  stop: number,
][] = [
  ["dice", 1, 0, [0, 0, 1, 2, 2, 3, 4, 5, 6, 6, 7, 8, 9], 3],
  ["dice", 1, 0.015, [0, 0, 1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10], 3],
  ["dice", 2, 0, [0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4], 4],
  ["dice", 2, 0.015, [0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4], 4],
  ["dice", 3, 0, [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2], 8],
  ["dice", 3, 0.015, [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 3], 5],
  ["loss", 1, 0, [0, 0, 1, 1, 1, 1, 2, 3, 4, 5, 5], 3],
  ["loss", 2, 0, [0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2], 8],
  ["loss", 2, 0.015, [0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3], 4],
  ["loss", 3, 0.015, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2], 5],
];

for (const [metric, patience, minimumChange, reductions, stop] of PLATEAUS) {
  Deno.test(`watch() counts as Keras does: ${metric}, patience ${patience}, ${minimumChange}`, () => {
    let state = PATIENT;
    const found = (metric === "dice" ? RISING : FALLING).map((value) => {
      state = watch(state, value, { metric, patience, minimumChange });
      return state.exhausted;
    });
    assertEquals(found, reductions);
    assertEquals(found.findIndex((count) => count > 0) + 1, stop);
  });
}

Deno.test("watch() takes NaN for no improvement, and changes no state", () => {
  const rule = { metric: "loss", patience: 2, minimumChange: 0 } as const;
  const first = watch(PATIENT, NaN, rule);
  assertEquals(first, { best: null, waited: 1, exhausted: 0 });
  assertEquals(watch(first, 3, rule), { best: 3, waited: 0, exhausted: 0 });
  assertEquals(PATIENT, { best: null, waited: 0, exhausted: 0 });
});

Deno.test("learningRateAt() on a plateau falls by its factor, not below its minimum", () => {
  const schedule: Schedule = {
    schedule: "plateau",
    initial: 0.8,
    warmupEpochs: 1,
    metric: "dice",
    factor: 0.5,
    patience: 3,
    minimumChange: 0,
    minimum: 0.15,
  };
  const rates = [0, 1, 2, 3, 4].map((reductions) => learningRateAt(schedule, 2, 9, reductions));
  assertEquals(rates, [0.8, 0.4, 0.2, 0.15, 0.15]);
  assertEquals(learningRateAt(schedule, 0.5, 9, 2), 0.4);
});
