/**
 * Prints where the time of a training step goes, by operation: `profile.ts SIZE BATCH`.
 *
 * The step runs eagerly here, one operation after the other, so that each can be timed: what the traced
 * step fuses or runs side by side is counted by itself.
 */
import { weightedLoss } from "@/losses/mod.ts";
import { normalizeImages } from "@/model/mod.ts";
import { eager, StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { Adam } from "@/training/mod.ts";
import { films, network } from "./network.ts";

const STEPS = 3;
const LINES = 25;

const [size, batch] = Deno.args.map(Number) as [number, number];
const model = network();
const variables = model.weights.trainable.map(({ variable }) => variable);
const optimizer = new Adam(model.weights.trainable);
const loss = weightedLoss({ bce: 1, dice: 1 });
const { images, masks } = films(batch, size);

function step(): void {
  tf.tidy(() => {
    const random = new StatelessRandom(tf.tensor1d([1, 2], "int32"));
    const { value, grads } = tf.variableGrads(() => {
      return loss(model.apply(normalizeImages(images), { training: true, random }), masks);
    }, variables);
    optimizer.apply(variables.map(({ name }) => grads[name]!), tf.scalar(1e-3));
    value.dataSync();
  });
}

interface Cost {
  milliseconds: number;
  calls: number;
}

const costs = new Map<string, Cost>();
const execute = eager.executeOp.bind(eager);
eager.executeOp = (name, ...rest) => {
  const started = performance.now();
  const outputs = execute(name, ...rest);
  const cost = costs.get(name) ?? { milliseconds: 0, calls: 0 };
  cost.milliseconds += performance.now() - started;
  cost.calls++;
  costs.set(name, cost);
  return outputs;
};

step(); // warm-up
costs.clear();
const started = performance.now();
for (let i = 0; i < STEPS; i++) step();
const total = (performance.now() - started) / STEPS;

const sorted = [...costs].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
const line = (name: string, milliseconds: number, calls = "") => {
  const share = (100 * milliseconds) / total;
  return `| ${name} | ${milliseconds.toFixed(1)} | ${share.toFixed(1)} % | ${calls} |`;
};
const inOperations = sorted.reduce((sum, [, { milliseconds }]) => sum + milliseconds, 0) / STEPS;
console.log([
  `A training step of the report's network at ${size} px, batch ${batch}, run eagerly:`,
  "",
  "| operation | ms a step | share | calls a step |",
  "| --- | --- | --- | --- |",
  ...sorted.slice(0, LINES).map(([name, { milliseconds, calls }]) => {
    return line(name, milliseconds / STEPS, (calls / STEPS).toFixed(0));
  }),
  line("between operations (JavaScript)", total - inOperations),
  line("whole step", total),
].join("\n"));
Deno.exit(0);
