import { assertEquals, assertNotEquals } from "@std/assert";
import { type Forward, INFERENCE, Weights } from "@/model/mod.ts";
import { BatchNorm, checkpointed, Conv2D, dropout, leakyRelu } from "@/model/layers/mod.ts";
import { jit, StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { assertClose, memory, wave } from "../tensorflow/assert_close.ts";

/** A part with everything that a repetition could get wrong: weights, statistics, dropout. */
class TestBlock {
  readonly #conv: Conv2D;
  readonly #norm: BatchNorm;
  readonly variables: tf.Variable[];

  constructor(weights: Weights, name: string) {
    this.#conv = new Conv2D(weights, `${name}_conv`, { input: 3, filters: 3, kernel: 3 });
    this.#norm = new BatchNorm(weights, `${name}_bn`, 3, 0.9);
    this.variables = weights.trainable
      .filter((weight) => weight.name.startsWith(`${name}_`))
      .map(({ variable }) => variable);
  }

  apply(x: tf.Tensor4D, forward: Forward): tf.Tensor4D {
    const y = this.#norm.apply(this.#conv.apply(dropout(x, 0.3, forward)), forward);
    return tf.add(dropout(leakyRelu(y, 0.1), 0.3, forward), x);
  }
}

/** Three parts in a row, and what a step over them gives. */
function run({ isCheckpointed, isTraced }: { isCheckpointed: boolean; isTraced: boolean }) {
  const weights = new Weights(5);
  const blocks = ["a", "b", "c"].map((name) => new TestBlock(weights, name));
  const variables = weights.trainable.map(({ variable }) => variable);
  const apply = (images: tf.Tensor4D, forward: Forward) => {
    let x = images;
    for (const block of blocks) {
      const part = (x: tf.Tensor4D, forward: Forward) => block.apply(x, forward);
      x = isCheckpointed
        ? checkpointed(part, x, block.variables, forward)
        : block.apply(x, forward);
    }
    return x;
  };
  const step = (images: tf.Tensor4D, seed: tf.Tensor1D) =>
    tf.tidy(() => {
      const forward = { training: true, random: new StatelessRandom(seed) } as const;
      const loss = (images: tf.Tensor4D) => tf.mean(tf.square(apply(images, forward))) as tf.Scalar;
      const { value, grads } = tf.variableGrads(() => loss(images), variables);
      return { loss: value, gradients: variables.map(({ name }) => grads[name]!) };
    });
  const traced = jit(step);
  const images = wave<tf.Tensor4D>([2, 8, 8, 3], 0.37, 0.2);
  const found = [1, 2].map((second) => {
    const seed = tf.tensor1d([7, second], "int32");
    const { loss, gradients } = (isTraced ? traced : step)(images, seed);
    const values = [loss, ...gradients].map((tensor) => [...tensor.dataSync()]);
    tf.dispose([seed, loss, gradients]);
    return values;
  });
  const inference = tf.tidy(() => apply(images, INFERENCE));
  const statistics = weights.all
    .filter(({ name }) => name.includes("moving_"))
    .map(({ variable }) => [...variable.dataSync()]);
  const result = { steps: found, statistics, inference: [...inference.dataSync()] };
  tf.dispose([images, inference]);
  traced.dispose();
  weights.dispose();
  return result;
}

for (const isTraced of [false, true]) {
  const how = isTraced ? "traced" : "eager";
  Deno.test(`checkpointed() changes no loss, gradient or statistic, ${how}`, () => {
    const before = memory();
    const plain = run({ isCheckpointed: false, isTraced });
    const again = run({ isCheckpointed: true, isTraced });
    for (const [i, step] of plain.steps.entries()) {
      for (const [k, values] of step.entries()) {
        assertClose(again.steps[i]![k]!, values, 1e-6, `step ${i + 1}, tensor ${k}`);
      }
    }
    for (const [i, values] of plain.statistics.entries()) {
      assertClose(again.statistics[i]!, values, 1e-6, `statistic ${i}`);
    }
    assertClose(again.inference, plain.inference, 1e-6);
    // The test would not see a repetition that drops other elements if nothing were dropped.
    assertNotEquals(plain.steps[0], plain.steps[1]);
    assertEquals(memory(), before);
  });
}

Deno.test("checkpointed() gives its input a gradient, in a part within a part too", () => {
  const weights = new Weights(5);
  const block = new TestBlock(weights, "a");
  const outer = new TestBlock(weights, "b");
  const x = wave<tf.Tensor4D>([1, 8, 8, 3], 0.37, 0.2);
  const inner = (x: tf.Tensor4D, forward: Forward) => block.apply(x, forward);
  const gradient = (nested: boolean) => {
    const random = new StatelessRandom(tf.tensor1d([1, 2], "int32"));
    const forward = { training: true, random } as const;
    const all = [...block.variables, ...outer.variables];
    const both = (x: tf.Tensor4D, forward: Forward) =>
      outer.apply(
        nested ? checkpointed(inner, x, block.variables, forward) : inner(x, forward),
        forward,
      );
    return tf.grad((x) => {
      const y = nested
        ? checkpointed(both, x as tf.Tensor4D, all, forward)
        : both(x as tf.Tensor4D, forward);
      return tf.mean(tf.square(y));
    })(x);
  };
  tf.tidy(() => assertClose(gradient(true), gradient(false), 1e-7));
  x.dispose();
  weights.dispose();
});
