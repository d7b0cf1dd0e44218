import { assertEquals, assertThrows } from "@std/assert";
import { Weights } from "@/model/mod.ts";
import { jit, tf } from "@/tensorflow/mod.ts";
import {
  Adam,
  type AdamOptions,
  assignGroup,
  readCheckpoint,
  writeCheckpoint,
} from "@/training/mod.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";

/**
 * `keras.optimizers.Adam` of Keras 3.15: the weights `[[1, -2], [0.5, 3]]` and `[0.1, -0.2, 0.3]` after
 * each of five steps, with the gradients of {@linkcode gradients}.
 */
const CASES: { options: AdamOptions; rates: number[]; expected: number[][][] }[] = [
  {
    options: {},
    rates: [0.1, 0.1, 0.1, 0.1, 0.1],
    expected: [
      [[1, -2.09999895, 0.40000129, 3.09999895], [0.00000105, -0.29999891, 0.39999864]],
      [[0.92558742, -2.19980478, 0.35771585, 3.19931602], [-0.10008945, -0.37967733, 0.49614176]],
      [[0.84064645, -2.29284978, 0.3908101, 3.29878068], [-0.19820127, -0.39357212, 0.59403855]],
      [[0.75017166, -2.35730648, 0.45184132, 3.38969517], [-0.28018552, -0.3598229, 0.68995363]],
      [[0.66342986, -2.3771162, 0.52361405, 3.44956708], [-0.32308376, -0.30520725, 0.76655716]],
    ],
  },
  {
    options: { beta1: 0.8, beta2: 0.9, epsilon: 1e-3 },
    rates: [0.1, 0.05, 0.02, 0.01, 0.2],
    expected: [
      [[1, -2.09967279, 0.40060967, 3.09954238], [0.00037438, -0.29957774, 0.39929051]],
      [[0.96189797, -2.14944506, 0.38175067, 3.14913845], [-0.04957421, -0.33856148, 0.4473986]],
      [[0.94448107, -2.16784859, 0.39001182, 3.16899681], [-0.0691035, -0.33949834, 0.46703422]],
      [[0.93522996, -2.17364645, 0.3968859, 3.17791486], [-0.0769642, -0.33499455, 0.47658953]],
      [[0.76086456, -2.18287826, 0.55461884, 3.27942634], [-0.13806681, -0.20379399, 0.61989141]],
    ],
  },
];

/** `sin(1.3 i + 0.7 step + k)` for the number `i` of the weight `k`. */
function gradients(step: number): tf.Tensor[] {
  const values = (count: number, k: number) =>
    Array.from({ length: count }, (_, i) => Math.sin(1.3 * i + 0.7 * step + k));
  return [tf.tensor2d(values(4, 0), [2, 2]), tf.tensor1d(values(3, 1))];
}

function newWeights(): Weights {
  const weights = new Weights(0);
  tf.tidy(() => {
    weights.create("kernel", [2, 2], "zeros").assign(tf.tensor2d([[1, -2], [0.5, 3]]));
    weights.create("bias", [3], "zeros").assign(tf.tensor1d([0.1, -0.2, 0.3]));
  });
  return weights;
}

for (const isTraced of [false, true]) {
  Deno.test(`Adam changes weights as Keras's does, ${isTraced ? "traced" : "eager"}`, () => {
    for (const { options, rates, expected } of CASES) {
      const weights = newWeights();
      const adam = new Adam(weights.trainable, options);
      const plain = (kernel: tf.Tensor, bias: tf.Tensor, rate: tf.Scalar) => {
        adam.apply([kernel, bias], rate);
        return tf.scalar(0);
      };
      const traced = jit(plain);
      tf.tidy(() => {
        for (const [step, wanted] of expected.entries()) {
          const [kernel, bias] = gradients(step);
          (isTraced ? traced : plain)(kernel!, bias!, tf.scalar(rates[step]!));
          for (const [i, { variable, name }] of weights.trainable.entries()) {
            assertClose(variable, wanted[i]!, 2e-6, `${name} after step ${step + 1}`);
          }
        }
      });
      if (isTraced) assertEquals(traced.traces, 1);
      traced.dispose();
      adam.dispose();
      weights.dispose();
    }
  });
}

Deno.test("Adam goes on from restored slots as if it had never stopped", async () => {
  const { rates, expected } = CASES[0]!;
  const folder = await Deno.makeTempDir();
  const weights = newWeights();
  const step = (adam: Adam, i: number) =>
    tf.tidy(() => adam.apply(gradients(i), tf.scalar(rates[i]!)));

  const first = new Adam(weights.trainable);
  for (const i of [0, 1, 2]) step(first, i);
  const names = [...first.slots.keys()];
  assertEquals(names, [
    "beta1_power",
    "beta2_power",
    "mean/kernel",
    "square/kernel",
    "mean/bias",
    "square/bias",
  ]);
  const written = await writeCheckpoint(folder, "last", { optimizer: first.slots }, null);
  first.dispose();
  assertEquals(first.slots.size, 0);

  const second = new Adam(weights.trainable);
  const stored = (await readCheckpoint(folder, written)).group("optimizer");
  assignGroup(second.slots, stored, "optimizer");
  for (const i of [3, 4]) step(second, i);
  for (const [i, { variable }] of weights.trainable.entries()) {
    assertClose(variable, expected[4]![i]!, 2e-6);
  }
  second.dispose();
  weights.dispose();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("Adam leaves a weight alone whose gradients are 0", () => {
  const weights = newWeights();
  const adam = new Adam(weights.trainable);
  tf.tidy(() => {
    adam.apply([tf.zeros([2, 2]), tf.zeros([3])], tf.scalar(0.1));
    assertEquals([...weights.get("kernel").dataSync()], [1, -2, 0.5, 3]);
  });
  adam.dispose();
  weights.dispose();
});

Deno.test("Adam refuses gradients that are not one for each weight, and changes nothing then", () => {
  const weights = newWeights();
  const adam = new Adam(weights.trainable);
  tf.tidy(() => {
    assertThrows(
      () => adam.apply([tf.ones([2, 2])], tf.scalar(0.1)),
      RangeError,
      "one for each of the 2 weights: 1",
    );
    assertEquals([...weights.get("kernel").dataSync()], [1, -2, 0.5, 3]);
    assertEquals([...adam.slots.get("beta1_power")!.dataSync()], [1]);
  });
  adam.dispose();
  weights.dispose();
});

Deno.test("Adam.dispose() frees its state, and apply() leaves nothing behind", () => {
  const before = memory();
  const weights = newWeights();
  const adam = new Adam(weights.trainable);
  tf.tidy(() => adam.apply(gradients(0), tf.scalar(0.1)));
  const afterOne = memory().numTensors;
  tf.tidy(() => adam.apply(gradients(1), tf.scalar(0.1)));
  assertEquals(memory().numTensors, afterOne);
  adam.dispose();
  weights.dispose();
  assertEquals(memory(), before);
});
