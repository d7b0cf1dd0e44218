/**
 * Measures how far rounding alone takes 50 steps of the report's network from one another, as rows of the
 * table in src/cluster/README.md: `deno run -A tests/cluster/rounding.ts adam 1e-3`, some minutes each.
 */
import { createModel } from "@/model/mod.ts";
import { distance } from "./distance.ts";
import type { Steps } from "./steps_program.ts";
import { makeSteps, type StepsOutcome } from "./workers.ts";

const [kind, rate] = Deno.args;
const steps: Steps = {
  precision: "float32",
  encoder: "efficientnet-b4",
  steps: 50,
  batch: 6,
  optimizer: { kind: kind as "adam" | "sgd" },
  learningRate: Number(rate),
  loss: { bce: 1, dice: 1 },
};
const model = createModel({ architecture: "simplified-unet++", encoder: steps.encoder });

/** The largest distance among trained weights, or among BatchNorm's statistics. */
function distanceOf(trained: boolean, actual: Float64Array, expected: Float64Array): number {
  let at = 0;
  const distances = model.weights.all.map(({ variable, trainable }) => {
    const [from, to] = [at, at += variable.size];
    if (trainable !== trained) return 0;
    return distance(actual.subarray(from, to), expected.subarray(from, to));
  });
  return Math.max(...distances);
}

const row = (name: string, actual: StepsOutcome, expected: StepsOutcome) => {
  const apart = [
    distance(actual.losses, expected.losses),
    distanceOf(true, actual.weights, expected.weights),
    distanceOf(false, actual.weights, expected.weights),
  ];
  const texts = apart.map((distance) => distance.toExponential(0));
  console.log(`| ${[kind, rate, name, ...texts].join(" | ")} |`);
};

const one = await makeSteps(1, steps);
row("2 threads instead of 1", await makeSteps(1, steps, "2"), one);
const withoutDrops = { ...steps, drops: false };
const forward = await makeSteps(1, withoutDrops);
row(
  "films of each batch in reverse",
  await makeSteps(1, { ...withoutDrops, reversed: true }),
  forward,
);
const exact = await makeSteps(1, { ...steps, precision: "float64" });
row("float64 instead of float32", exact, one);
for (const workers of [2, 3]) {
  const several = await makeSteps(workers, steps);
  row(`${workers} workers instead of 1`, several, one);
  row(`${workers} workers, from float64`, several, exact);
}
Deno.exit(0);
