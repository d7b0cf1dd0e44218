import { assertEquals } from "@std/assert";
import { jit, tf } from "@/tensorflow/mod.ts";
import { memory } from "./assert_close.ts";

const BFLOAT16 = { freeze: true, mixedPrecision: "bfloat16" } as const;

/** bfloat16 has 8 binary digits: one more than 1 + 2^-8 needs is rounded to the even neighbour. */
const VALUES = [1, 1 + 2 ** -7, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -10, -3];
const ROUNDED = [1, 1 + 2 ** -7, 1, 1 + 2 ** -6, 1, -3];

const row = (values: number[]) => tf.tensor4d(values, [1, 1, values.length, 1]);

Deno.test("jit() with freeze in bfloat16 rounds what a convolution reads, and returns float32", () => {
  const before = memory();
  const kernel = tf.tidy(() => tf.variable(tf.tensor4d([1], [1, 1, 1, 1])));
  const f = jit((x: tf.Tensor4D) => tf.conv2d(x, kernel as tf.Tensor4D, 1, "same"), BFLOAT16);
  const x = row(VALUES), y = f(x);
  assertEquals([y.dtype, y.shape], ["float32", x.shape]);
  assertEquals([...y.dataSync()], ROUNDED);
  f.dispose();
  tf.dispose([x, y, kernel]);
  assertEquals(memory(), before);
});

Deno.test("jit() with freeze in bfloat16 rounds a constant kernel", () => {
  const kernel = tf.tensor4d(VALUES, [1, 1, 1, VALUES.length]);
  const f = jit((x: tf.Tensor4D) => tf.conv2d(x, kernel, 1, "same"), BFLOAT16);
  assertEquals([...f(row([1])).dataSync()], ROUNDED);
  f.dispose();
});

Deno.test("jit() with freeze in bfloat16 keeps other operations in float32", () => {
  const kernel = tf.tensor4d([1], [1, 1, 1, 1]);
  const f = jit((x: tf.Tensor4D) => {
    const y = tf.conv2d(x, kernel, 1, "same");
    // One too small for bfloat16 beside the values.
    return [tf.add(y, 2 ** -12), tf.sum(tf.mul(y, y)), tf.mul(x, 1)];
  }, BFLOAT16);
  const [added, sum, same] = f(row(VALUES)).map((y) => [...y.dataSync()]);
  assertEquals(added, ROUNDED.map((value) => value + 2 ** -12));
  assertEquals(sum, [Math.fround(ROUNDED.reduce((sum, value) => sum + value ** 2, 0))]);
  assertEquals(same, VALUES);
  f.dispose();
});

Deno.test("jit() with freeze in bfloat16 leaves integers alone", () => {
  const f = jit(
    (x: tf.Tensor4D, n: tf.Tensor) => [tf.concat([x, x], 2), tf.concat([n, n])],
    BFLOAT16,
  );
  const [x, n] = f(row([1, 2]), tf.tensor1d([1001, 3], "int32"));
  assertEquals([[...x!.dataSync()], [...n!.dataSync()]], [[1, 2, 1, 2], [1001, 3, 1001, 3]]);
  assertEquals(n!.dtype, "int32");
  f.dispose();
});
