import { assertEquals, assertLess, assertNotEquals, assertThrows } from "@std/assert";
import { mixedPrecisionAttributes } from "@/tensorflow/mixed_precision.ts";
import { jit, keepFloat32, type MixedPrecision, tf } from "@/tensorflow/mod.ts";
import { assertClose, wave } from "./assert_close.ts";

/** Bits of the fraction, the leading one included. */
const DIGITS: Record<MixedPrecision, number> = { float16: 11, bfloat16: 8 };

/** The nearest number with that many binary digits; ties go to the even one. */
function rounded(value: number, digits: number): number {
  if (value === 0) return 0;
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(value))) - digits + 1);
  const scaled = value / unit, floor = Math.floor(scaled);
  if (scaled - floor !== 0.5) return Math.round(scaled) * unit;
  return (floor % 2 === 0 ? floor : floor + 1) * unit;
}

/**
 * A convolution with a kernel of one pixel, then what is under test, then another of them.
 *
 * @returns The middle's values, and the end's.
 */
function betweenConvolutions(middle: (x: tf.Tensor4D) => tf.Tensor4D, format?: MixedPrecision) {
  const kernel = tf.tensor4d([1], [1, 1, 1, 1]);
  const f = jit((x: tf.Tensor4D) => {
    const y = middle(tf.conv2d(x, kernel, 1, "same"));
    // What a function returns is never rewritten itself.
    return [tf.mul(y, 1), tf.conv2d(y, kernel, 1, "same")];
  }, format ? { mixedPrecision: format } : {});
  return {
    run(values: number[]): number[][] {
      return tf.tidy(() => {
        return f(tf.tensor4d(values, [1, 1, values.length, 1])).map((y) => [...y.dataSync()]);
      });
    },
    dispose() {
      f.dispose();
      kernel.dispose();
    },
  };
}

const VALUES = [1, 1 + 2 ** -7, 1 + 2 ** -8, 1 + 2 ** -10, 1 + 2 ** -11, Math.fround(Math.PI)];

for (const format of ["float16", "bfloat16"] as const) {
  Deno.test(`jit() rounds what a convolution reads to ${format}`, () => {
    const f = betweenConvolutions((x) => x, format);
    const [, result] = f.run(VALUES);
    assertEquals(result, VALUES.map((value) => rounded(value, DIGITS[format])));
    f.dispose();
    const exact = betweenConvolutions((x) => x);
    assertEquals(exact.run(VALUES)[1], VALUES);
    exact.dispose();
  });
}

Deno.test("keepFloat32() keeps what follows it in float32", () => {
  // The tests of bfloat16 have set it, and it would keep products out of float16.
  Deno.env.delete("TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_LEVEL");
  const third = (x: tf.Tensor4D) => tf.mul(x, 1 / 3) as tf.Tensor4D;
  const follows = betweenConvolutions(third, "float16");
  const stays = betweenConvolutions((x) => third(keepFloat32(x)), "float16");
  const exact = VALUES.map((value) => Math.fround(rounded(value, 11) * Math.fround(1 / 3)));
  assertClose(stays.run(VALUES)[0]!, exact, 1e-7);
  // Without it the product is rounded too, so the test can tell.
  const plain = follows.run(VALUES)[0]!;
  assertNotEquals(plain, stays.run(VALUES)[0]);
  assertClose(plain, exact, 1e-3);
  follows.dispose();
  stays.dispose();
});

Deno.test("keepFloat32() passes values and gradients on, traced or not", () => {
  const gradient = (x: tf.Tensor1D) => tf.grad((x) => tf.sum(tf.square(keepFloat32(x))))(x);
  const traced = jit(gradient);
  tf.tidy(() => {
    const x = tf.tensor1d([1, -2, 3]);
    assertClose(keepFloat32(x), [1, -2, 3]);
    assertClose(gradient(x), [2, -4, 6]);
    assertClose(traced(x), [2, -4, 6]);
  });
  traced.dispose();
});

Deno.test("jit() in bfloat16 gives the gradients of float32, rounded", () => {
  const kernel = wave([3, 3, 2, 4], 0.91, 0.1) as tf.Tensor4D;
  const x = wave([2, 8, 8, 2], 0.37, 0.2) as tf.Tensor4D;
  const gradient = (x: tf.Tensor4D) =>
    tf.grad((k) => tf.sum(tf.square(tf.conv2d(x, k as tf.Tensor4D, 1, "same"))))(kernel);
  const exact = jit(gradient), mixed = jit(gradient, { mixedPrecision: "bfloat16" });
  tf.tidy(() => {
    const [a, b] = [exact(x), mixed(x)];
    assertEquals(b.dtype, "float32");
    const difference = tf.norm(tf.sub(a, b)).dataSync()[0]! / tf.norm(a).dataSync()[0]!;
    assertLess(difference, 0.02);
    assertNotEquals(difference, 0);
  });
  exact.dispose();
  mixed.dispose();
  tf.dispose([x, kernel]);
});

Deno.test("mixedPrecisionAttributes() refuses XLA, and bfloat16 on a GPU", () => {
  assertThrows(
    () => jit((x: tf.Tensor) => tf.neg(x), { mixedPrecision: "float16", xla: true }),
    RangeError,
    "Cannot compile with XLA in mixed precision as",
  );
  assertThrows(
    () => mixedPrecisionAttributes("bfloat16", { onGpu: true, xla: false }),
    RangeError,
    "on CPUs alone: bfloat16. Use float16, or the device cpu",
  );
  const names = mixedPrecisionAttributes("float16", { onGpu: true, xla: false });
  assertEquals(names.map(({ name }) => name), ["config_proto"]);
});
