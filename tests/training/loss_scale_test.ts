import { assertEquals } from "@std/assert";
import { jit, tf } from "@/tensorflow/mod.ts";
import { LossScale } from "@/training/mod.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";
import vectors from "./loss_scale_vectors.json" with { type: "json" };

/** Gradient descent with rate 0.1 on one weight that starts at 1, under a loss scale of 8. */
function setUp() {
  const lossScale = new LossScale({ initial: 8, growthSteps: 3 });
  const weight = tf.tidy(() => tf.variable(tf.scalar(1)));
  const step = (scaled: tf.Scalar) =>
    tf.tidy(() => {
      const gradient = lossScale.unscale(scaled);
      lossScale.update([gradient], [weight], () => {
        weight.assign(tf.sub(weight, tf.mul(gradient, 0.1)));
      });
    });
  const value = (name: string) => lossScale.state.get(name)!.dataSync()[0]!;
  const dispose = () => {
    lossScale.dispose();
    weight.dispose();
  };
  return { lossScale, weight, step, value, dispose };
}

for (const kind of ["eager", "traced"] as const) {
  Deno.test(`LossScale sets scale and weights as Keras does, ${kind}`, () => {
    const before = memory();
    const { weight, step, value, dispose } = setUp();
    const traced = jit(step);
    for (const [i, expected] of vectors.entries()) {
      const gradient = Number(String(expected.gradient).replace("inf", "Infinity"));
      const scaled = tf.scalar(gradient * value("scale"));
      if (kind === "eager") step(scaled);
      else traced(scaled);
      scaled.dispose();
      assertEquals(value("scale"), expected.scale, `step ${i + 1}`);
      assertClose(weight, [expected.weight], 1e-5, `step ${i + 1}`);
    }
    traced.dispose();
    dispose();
    assertEquals(memory(), before);
  });
}

Deno.test("LossScale starts as Keras does, and gives a loss back as it was", () => {
  const lossScale = new LossScale();
  const state = [...lossScale.state].map(([name, variable]) => [name, variable.dataSync()[0]]);
  assertEquals(state, [["scale", 32768], ["good_steps", 0]]);
  tf.tidy(() => {
    const loss = tf.scalar(0.1);
    assertEquals(lossScale.scale(loss).dataSync()[0], 32768 * Math.fround(0.1));
    assertEquals(lossScale.unscale(lossScale.scale(loss)).dataSync()[0], Math.fround(0.1));
  });
  lossScale.dispose();
});

Deno.test("LossScale leaves a step out when one number of one gradient is not finite", () => {
  const weights = tf.tidy(() => [tf.variable(tf.ones([2])), tf.variable(tf.ones([3]))]);
  const lossScale = new LossScale();
  const update = (second: number[]) =>
    tf.tidy(() => {
      const gradients = [tf.tensor1d([1, 1]), tf.tensor1d(second)];
      lossScale.update(gradients, weights, () => {
        for (const [i, weight] of weights.entries()) weight.assign(tf.sub(weight, gradients[i]!));
      });
    });
  update([1, NaN, 1]);
  for (const weight of weights) assertClose(weight, weight.size === 2 ? [1, 1] : [1, 1, 1]);
  update([1, 2, 1]);
  assertClose(weights[0]!, [0, 0]);
  assertClose(weights[1]!, [0, -1, 0]);
  tf.dispose(weights);
  lossScale.dispose();
});
