import { assertEquals, assertGreater, assertRejects, assertThrows } from "@std/assert";
import { jit, tf, TraceError } from "@/tensorflow/mod.ts";
import { assertClose, memory } from "./assert_close.ts";

/** Some hundred milliseconds of work; the result is `x` times the mean of a matrix of ones. */
function slowMean(x: tf.Tensor): tf.Tensor {
  const SIZE = 900, PRODUCTS = 12;
  let y = tf.mul(tf.ones([SIZE, SIZE]), x) as tf.Tensor2D;
  const average = tf.fill([SIZE, SIZE], 1 / SIZE) as tf.Tensor2D;
  for (let i = 0; i < PRODUCTS; i++) y = tf.matMul(y, average);
  return tf.mean(y);
}

Deno.test("jit().async() lets timers go on while TensorFlow computes", async () => {
  const mean = jit(slowMean);
  assertClose(mean(tf.scalar(1)), [1], 1e-4);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 2);
  try {
    const result = await mean.async(tf.scalar(3));
    assertClose(result, [3], 1e-3);
  } finally {
    clearInterval(timer);
  }
  assertGreater(ticks, 5);
  mean.dispose();
});

Deno.test("jit().async() gives what the plain call gives, and leaks nothing", async () => {
  const v = tf.tidy(() => tf.variable(tf.scalar(1)));
  const step = jit((x: tf.Tensor) => {
    v.assign(tf.add(v, x) as tf.Scalar);
    return { v: v as tf.Tensor, twice: [tf.mul(x, 2)] };
  });
  const x = tf.scalar(10);
  tf.dispose(await step.async(x));
  const before = memory();
  for (let i = 0; i < 50; i++) tf.dispose(await step.async(x));
  assertEquals(memory(), before);
  assertClose(v, [1 + 51 * 10]);
  const { v: value, twice } = step(x);
  assertClose(value, [1 + 52 * 10]);
  assertClose(twice[0]!, [20]);
  assertEquals(step.traces, 1);
  step.dispose();
  tf.dispose([v, x]);
});

Deno.test("jit().async() refuses other calls with variables while it writes some", async () => {
  const v = tf.variable(tf.scalar(1));
  const writer = jit((x: tf.Tensor) => {
    v.assign(tf.add(v, slowMean(x)) as tf.Scalar);
  }, { name: "train" });
  const reader = jit(() => tf.mul(v, 2), { name: "predict" });
  const free = jit((x: tf.Tensor) => tf.neg(x));
  const x = tf.scalar(1);

  const underWay = writer.async(x);
  const says = "as a call that writes variables is still under way: await it first";
  assertThrows(() => writer(x), Error, `Cannot run train ${says}`);
  assertThrows(() => reader(), Error, `Cannot run predict ${says}`);
  await assertRejects(() => writer.async(x), Error, says);
  assertClose(free(x), [-1], 0, "functions without variables may run");
  await underWay;

  assertClose(v, [2], 1e-3);
  assertClose(reader(), [4], 1e-3);
  writer(x);
  assertClose(v, [3], 1e-3);
  for (const f of [writer, reader, free]) f.dispose();
  v.dispose();
});

Deno.test("jit().async() calls without variables may overlap, their inputs be disposed", async () => {
  const mean = jit(slowMean);
  const inputs = [1, 2, 3].map((value) => tf.scalar(value));
  const calls = inputs.map((x) => mean.async(x));
  tf.dispose(inputs);
  const results = await Promise.all(calls);
  assertEquals(results.map((y) => Math.round(y.dataSync()[0]!)), [1, 2, 3]);
  mean.dispose();
});

Deno.test("jit().async() rejects where the plain call throws, and allows calls again", async () => {
  const v = tf.variable(tf.scalar(1));
  const bad = jit((x: tf.Tensor) => {
    v.assign(tf.neg(x) as tf.Scalar);
    return tf.scalar(x.dataSync()[0]!);
  });
  await assertRejects(() => bad.async(tf.scalar(1)), TraceError, "Cannot read the values");
  const good = jit(() => {
    v.assign(tf.add(v, 1) as tf.Scalar);
  });
  await good.async();
  good();
  assertClose(v, [3]);
  good.dispose();
  v.dispose();
});
