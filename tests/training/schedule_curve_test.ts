import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  learningRateAt,
  type PlateauSchedule,
  type Schedule,
  scheduleCurve,
} from "@/training/mod.ts";

const PLATEAU: PlateauSchedule = {
  schedule: "plateau",
  initial: 0.8,
  warmupEpochs: 0,
  metric: "dice",
  factor: 0.5,
  patience: 2,
  minimumChange: 0,
  minimum: 0.15,
};

Deno.test("scheduleCurve() has ten places an epoch, the rate of each step, and the end", () => {
  const cosine: Schedule = { schedule: "cosine", initial: 1, final: 0, warmupEpochs: 1 };
  const curve = scheduleCurve(cosine, 3);
  assertEquals(curve.length, 31);
  assertEquals([curve[0], curve[10]], [{ epoch: 0, rate: 0 }, { epoch: 1, rate: 1 }]);
  assertAlmostEquals(curve[20]!.rate, 0.5, 1e-12); // half of the cosine
  assertEquals(curve.at(-1)!.epoch, 3);
  assertAlmostEquals(curve.at(-1)!.rate, 0, 1e-12);
  for (const { epoch, rate } of curve) assertEquals(rate, learningRateAt(cosine, epoch, 3));
});

Deno.test("scheduleCurve() reduces the rate of a plateau at the end of the epoch that was one too many", () => {
  // The first value is the best; the second and the third are none, the fourth is.
  const values = [0.5, 0.4, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6];
  const rates = scheduleCurve(PLATEAU, 10, values).filter(({ epoch }) => Number.isInteger(epoch))
    .map(({ rate }) => rate);
  assertEquals(rates, [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2, 0.15, 0.15, 0.15]);
  // Within an epoch nothing changes, and without validations never.
  assertEquals(scheduleCurve(PLATEAU, 10, values)[29]!.rate, 0.8);
  assertEquals(new Set(scheduleCurve(PLATEAU, 10).map(({ rate }) => rate)), new Set([0.8]));
});
