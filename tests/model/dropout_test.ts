import { assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { jit, kernelsCompiled, StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { INFERENCE, Weights } from "@/model/mod.ts";
import { Conv2D, dropout, stochasticDepth } from "@/model/layers/mod.ts";
import { assertClose, wave } from "../tensorflow/assert_close.ts";

type Layer = typeof dropout;

function training(seed: tf.Tensor1D) {
  return { training: true, random: new StatelessRandom(seed) } as const;
}

const seed = (b: number) => tf.tensor1d([3, b], "int32");
const LAYERS: [string, Layer][] = [["dropout()", dropout], [
  "stochasticDepth()",
  stochasticDepth,
]];

for (const [name, layer] of LAYERS) {
  Deno.test(`${name} keeps the mean and drops the share asked for`, () => {
    const x = tf.ones([4000, 2, 2, 2]) as tf.Tensor4D;
    for (const rate of [0.1, 0.5, 0.8]) {
      const y = layer(x, rate, training(seed(1)));
      const deviation = Math.sqrt(rate / (1 - rate) / 4000);
      assertAlmostEquals(tf.mean(y).dataSync()[0]!, 1, 4 * deviation);
      const values = new Set(y.dataSync());
      assertEquals([...values].sort(), [0, Math.fround(1 / (1 - rate))]);
    }
  });

  Deno.test(`${name} does nothing in inference, and nothing at the rate 0`, () => {
    const x = tf.ones([8, 1, 1, 8]) as tf.Tensor4D;
    assertEquals(layer(x, 0.9, INFERENCE).dataSync(), x.dataSync());
    assertEquals(layer(x, 0, training(seed(1))).dataSync(), x.dataSync());
  });

  Deno.test(`${name} draws anew for each seed when traced, and as it does eagerly`, () => {
    const x = tf.ones([64, 2, 2, 4]) as tf.Tensor4D;
    const traced = jit((x: tf.Tensor4D, key: tf.Tensor1D) => layer(x, 0.5, training(key)));
    const [first, second, again] = [seed(1), seed(2), seed(1)].map((key) => traced(x, key));
    assertNotEquals(first!.dataSync(), second!.dataSync());
    assertEquals(first!.dataSync(), again!.dataSync());
    assertEquals(first!.dataSync(), layer(x, 0.5, training(seed(1))).dataSync());
    assertEquals(traced.traces, 1);
    traced.dispose();
  });

  Deno.test(`${name} passes gradients on where it passed values`, () => {
    const x = tf.ones([16, 2, 2, 1]) as tf.Tensor4D;
    const y = layer(x, 0.5, training(seed(1)));
    const dx = tf.grad((x) => layer(x as tf.Tensor4D, 0.5, training(seed(1))))(x);
    assertEquals(dx.dataSync(), y.dataSync());
  });

  Deno.test(`${name} refuses a rate outside of [0, 1)`, () => {
    const x = tf.ones([1, 1, 1, 1]) as tf.Tensor4D;
    for (const rate of [-0.1, 1, NaN]) {
      assertThrows(() => layer(x, rate, INFERENCE), RangeError, `must be in [0, 1): ${rate}`);
    }
  });
}

Deno.test("dropout() of large images keeps what it draws from keys, in the gradient too", async () => {
  tf.tidy(() => {
    const x = wave<tf.Tensor4D>([2, 512, 512, 4], 0.7, 0.2);
    const results = (x: tf.Tensor, seed: tf.Tensor1D) => {
      return tf.valueAndGrad((x) => dropout(x as tf.Tensor4D, 0.25, training(seed)))(x);
    };
    const traced = jit(results);
    for (const number of [1, 2]) {
      const [eager, found] = [results(x, seed(number)), traced(x, seed(number))];
      // 1 / (1 - 0.25) where it is kept.
      const share = tf.mean(eager.grad).dataSync()[0]!;
      assertAlmostEquals(share, 1, 4 * Math.sqrt(0.25 / 0.75 / x.size));
      for (const { value, grad } of [eager, found]) {
        assertEquals(tf.max(tf.abs(tf.sub(value, tf.mul(x, grad)))).dataSync()[0]! < 1e-6, true);
        assertEquals(tf.max(tf.abs(tf.sub(grad, eager.grad))).dataSync()[0], 0);
      }
    }
    traced.dispose();
  });
  await kernelsCompiled();
});

Deno.test("stochasticDepth() drops whole images, dropout() single elements", () => {
  const x = tf.ones([100, 4, 4, 2]) as tf.Tensor4D;
  const sumsOf = (layer: Layer) =>
    new Set(tf.sum(layer(x, 0.5, training(seed(1))), [1, 2, 3]).dataSync());
  assertEquals([...sumsOf(stochasticDepth)].sort(), [0, 64]);
  assertEquals(sumsOf(dropout).size > 5, true);
});

Deno.test("dropout() draws differently in each layer of one forward pass", () => {
  const x = tf.ones([64, 1, 1, 4]) as tf.Tensor4D;
  const forward = training(seed(1));
  assertNotEquals(dropout(x, 0.5, forward).dataSync(), dropout(x, 0.5, forward).dataSync());
});

Deno.test("Conv2D.applyDropped() is the convolution of what dropout() leaves, gradients too", () => {
  const weights = new Weights(1);
  const conv = new Conv2D(weights, "conv", { input: 3, filters: 2, kernel: 3, bias: 0.5 });
  const x = wave<tf.Tensor4D>([2, 8, 8, 3], 0.37, 0.2);
  for (const rate of [0, 0.3]) {
    const twoSteps = (x: tf.Tensor) =>
      conv.apply(dropout(x as tf.Tensor4D, rate, training(seed(1))));
    const oneStep = (x: tf.Tensor) => conv.applyDropped(x as tf.Tensor4D, rate, training(seed(1)));
    const dy = wave<tf.Tensor4D>([2, 8, 8, 2], 0.7, 0.9);
    const kernelGradient = (f: (x: tf.Tensor) => tf.Tensor) =>
      tf.variableGrads(() => tf.sum(tf.mul(f(x), dy)), [conv.kernel]).grads[conv.kernel.name]!;
    const [expected, found] = [twoSteps, oneStep].map((f) => tf.valueAndGrad(f)(x, dy));
    assertClose(found!.value, expected!.value, 1e-5, `value at the rate ${rate}`);
    assertClose(found!.grad, expected!.grad, 1e-5, `gradient at the rate ${rate}`);
    assertClose(kernelGradient(oneStep), kernelGradient(twoSteps), 1e-4, `kernel at ${rate}`);
  }
  assertClose(conv.applyDropped(x, 0.3, INFERENCE), conv.apply(x), 0);
  assertThrows(() => conv.applyDropped(x, 1, INFERENCE), RangeError, "must be in [0, 1): 1");
  weights.dispose();
});
