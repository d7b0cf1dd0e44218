import { assert } from "@std/assert";
import type { Steps } from "./steps_program.ts";
import { makeSteps, type StepsOutcome } from "./workers.ts";

/** Each of these tests starts processes that load TensorFlow: all of them take minutes. */
const ALL = Deno.env.get("ALL_WORKERS") === "1";

/** Float64 is apart by 3e-15 (losses) and 2e-12 (weights) after 50 steps of B4; float32 by far more. */
const TOLERANCE = { losses: 1e-12, weights: 1e-9 };

const STEPS: Steps = {
  precision: "float64",
  encoder: "efficientnet-b0",
  steps: 3,
  batch: 6,
  optimizer: { kind: "adam" },
  learningRate: 1e-3,
  loss: { bce: 1, dice: 1 },
};
const CASES: (Steps & { workers: number; inSuite?: boolean })[] = [
  { ...STEPS, workers: 2, inSuite: true },
  { ...STEPS, workers: 2, encoder: "efficientnet-b4", steps: 50 },
  { ...STEPS, workers: 3, encoder: "efficientnet-b4", steps: 50 },
];

const alone = new Map<string, Promise<StepsOutcome>>();

/** What one worker makes of it; the first test that asks makes the steps. */
function aloneOutcome(options: Steps): Promise<StepsOutcome> {
  const key = JSON.stringify(options);
  const outcome = alone.get(key) ?? makeSteps(1, options);
  alone.set(key, outcome);
  return outcome;
}

/** The largest difference, of 1 or of what is expected. */
function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const distance = Math.abs(actual[i]! - expected[i]!) / Math.max(1, Math.abs(expected[i]!));
    if (!(distance <= largest)) largest = distance; // NaN too
  }
  return largest;
}

for (const { workers, inSuite = false, ...options } of CASES) {
  const { encoder, steps } = options;
  Deno.test({
    name:
      `trainingStep() takes ${workers} workers to the losses and weights of one in ${steps} steps of ${encoder}`,
    ignore: !inSuite && !ALL,
    fn: async () => {
      const [expected, actual] = [await aloneOutcome(options), await makeSteps(workers, options)];
      assert(expected.losses.length === steps && actual.losses.length === steps);
      assert(expected.weights.length === actual.weights.length);
      for (const what of ["losses", "weights"] as const) {
        const apart = distance(actual[what], expected[what]);
        assert(apart <= TOLERANCE[what], `${what} are apart by ${apart}`);
      }
    },
  });
}
