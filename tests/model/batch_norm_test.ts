import { assertEquals } from "@std/assert";
import { jit, StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { type Forward, INFERENCE, Weights } from "@/model/mod.ts";
import { BatchNorm } from "@/model/layers/mod.ts";
import { assertClose, wave } from "../tensorflow/assert_close.ts";

const MEAN = "norm/moving_mean", VARIANCE = "norm/moving_variance";

function training(momentum?: number): Forward {
  const random = new StatelessRandom(tf.tensor1d([1, 2], "int32"));
  if (momentum === undefined) return { training: true, random };
  return { training: true, random, momentum: tf.scalar(momentum) };
}

/** One channel with the values 1, 2, 3, 6: mean 3, variance 14 / 3. */
const FEW = tf.tensor4d([1, 2, 3, 6], [1, 2, 2, 1]);

Deno.test("BatchNorm.apply() moves its statistics in training as the formula says", () => {
  for (const traced of [false, true]) {
    const weights = new Weights(0);
    const norm = new BatchNorm(weights, "norm", 1, 0.9);
    const step = (x: tf.Tensor4D) => norm.apply(x, training());
    const run = traced ? jit(step) : step;
    let mean = 0, variance = 1;
    for (let i = 0; i < 3; i++) {
      const y = run(FEW);
      // In the batch's own statistics the variance is that of the four values themselves, 14 / 4.
      const scale = 1 / Math.sqrt(14 / 4 + 1e-3);
      assertClose(y, [-2 * scale, -scale, 0, 3 * scale], 1e-5);
      mean = 0.9 * mean + 0.1 * 3;
      variance = 0.9 * variance + 0.1 * 14 / 3;
      assertClose(weights.get(MEAN), [mean], 1e-6);
      assertClose(weights.get(VARIANCE), [variance], 1e-6);
    }
    weights.dispose();
  }
});

Deno.test("BatchNorm.apply() keeps nothing of its statistics with the momentum 0", () => {
  const weights = new Weights(0);
  const norm = new BatchNorm(weights, "norm", 1, 0);
  norm.apply(FEW, training());
  assertClose(weights.get(MEAN), [3], 1e-6);
  assertClose(weights.get(VARIANCE), [14 / 3], 1e-6);
  weights.dispose();
});

Deno.test("BatchNorm.apply() leaves its statistics alone in inference, and uses them", () => {
  const weights = new Weights(0);
  const norm = new BatchNorm(weights, "norm", 1, 0.9);
  weights.get(MEAN).assign(tf.tensor1d([2]));
  weights.get(VARIANCE).assign(tf.tensor1d([4 - 1e-3]));
  weights.get("norm/gamma").assign(tf.tensor1d([10]));
  weights.get("norm/beta").assign(tf.tensor1d([1]));
  assertClose(norm.apply(FEW, INFERENCE), [-4, 1, 6, 21], 1e-5);
  assertClose(weights.get(MEAN), [2], 0);
  assertClose(weights.get(VARIANCE), [4 - 1e-3], 1e-6);
  weights.dispose();
});

Deno.test("BatchNorm.apply() averages its statistics with the momentum k / (k + 1)", () => {
  const weights = new Weights(0);
  const norm = new BatchNorm(weights, "norm", 1, 0.9);
  const batches = [0, 1, 2].map((i) => wave<tf.Tensor4D>([2, 3, 3, 1], 1.1, i));
  const means = batches.map((x) => tf.mean(x).dataSync()[0]!);
  const variances = batches.map((x, i) => {
    const values = Array.from(x.dataSync());
    return values.reduce((sum, value) => sum + (value - means[i]!) ** 2, 0) / (values.length - 1);
  });
  for (const [k, x] of batches.entries()) norm.apply(x, training(k / (k + 1)));
  const average = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  assertClose(weights.get(MEAN), [average(means)], 1e-6);
  assertClose(weights.get(VARIANCE), [average(variances)], 1e-6);
  weights.dispose();
});

Deno.test("BatchNorm() has four weights, of which an optimizer changes two", () => {
  const weights = new Weights(0);
  new BatchNorm(weights, "norm", 3, 0.9);
  assertEquals(weights.all.map(({ name }) => name), ["norm/gamma", "norm/beta", MEAN, VARIANCE]);
  assertEquals(weights.trainable.map(({ name }) => name), ["norm/gamma", "norm/beta"]);
  const values = weights.all.map(({ variable }) => [...variable.dataSync()]);
  assertEquals(values, [[1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1]]);
  weights.dispose();
});
