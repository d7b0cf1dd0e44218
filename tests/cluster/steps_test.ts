import { assert, assertEquals } from "@std/assert";
import { distance } from "./distance.ts";
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

Deno.test("trainingStep() with BatchNorm per worker changes weights and statistics by the mean of what each does", async () => {
  const options: Steps = {
    ...STEPS,
    steps: 1, // in which everything is linear in the parts' gradients and statistics
    optimizer: { kind: "sgd" },
    learningRate: 0.1,
    loss: { bce: 1 },
    drops: false, // what is dropped depends on the place in the whole batch
  };
  const count = 2;
  const parts = [];
  for (let index = 0; index < count; index++) {
    parts.push(await makeSteps(1, { ...options, part: { index, count } }));
  }
  const [first, second] = parts.map(({ weights }) => weights) as [Float64Array, Float64Array];
  const together = await makeSteps(count, { ...options, perWorker: true });
  assert(distance(first, second) > 1e-3, "the parts teach different things");
  assert(distance(together.weights, first.map((weight, i) => (weight + second[i]!) / 2)) < 1e-12);
  const losses = parts.map(({ losses }) => losses[0]!);
  assertEquals(together.losses.length, 1);
  assert(distance(together.losses, [(losses[0]! + losses[1]!) / 2]) < 1e-12);
});
