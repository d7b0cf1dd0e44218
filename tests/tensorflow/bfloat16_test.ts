import { assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { batchNormTraining } from "@/model/layers/kernels/mod.ts";
import { AttributeKind } from "@/tensorflow/attributes.ts";
import { inputsInBfloat16, type Operation } from "@/tensorflow/bfloat16.ts";
import { DataType } from "@/tensorflow/c_api.ts";
import { inFloat32, jit, tf } from "@/tensorflow/mod.ts";
import { assertClose, memory, wave } from "./assert_close.ts";

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

for (const freeze of [true, false]) {
  const kernel = tf.tensor4d([1], [1, 1, 1, 1]);
  const options = { ...BFLOAT16, freeze };
  const name = `in bfloat16, ${freeze ? "frozen" : "not frozen"},`;

  Deno.test(`jit() ${name} ${freeze ? "leaves" : "keeps"} it behind a convolution, and is float32 elsewhere`, () => {
    const f = jit((x: tf.Tensor4D) => {
      const y = tf.conv2d(x, kernel, 1, "same");
      // 2^-12 is too small for bfloat16 beside the values.
      return [tf.add(y, 2 ** -12), tf.exp(y), tf.add(x, 2 ** -12)];
    }, options);
    const [added, exponents, beside] = f(row(VALUES)).map((y) => [...y.dataSync()]);
    assertEquals(added, ROUNDED.map((value) => freeze ? value + 2 ** -12 : value));
    assertClose(exponents!, ROUNDED.map(Math.exp), 1e-6);
    assertEquals(beside, VALUES.map((value) => value + 2 ** -12));
    f.dispose();
  });

  Deno.test(`inFloat32() ${name} rounds nothing, and reads what was rounded before`, () => {
    const f = jit((x: tf.Tensor4D) => {
      const rounded = tf.conv2d(x, kernel, 1, "same");
      return inFloat32(() => [tf.conv2d(x, kernel, 1, "same"), tf.add(rounded, 2 ** -12)]);
    }, options);
    const [exact, added] = f(row(VALUES)).map((y) => [...y.dataSync()]);
    assertEquals(exact, VALUES);
    assertEquals(added, ROUNDED.map((value) => value + 2 ** -12));
    f.dispose();
  });

  Deno.test(`jit() ${name} adds up in float32`, () => {
    const f = jit((x: tf.Tensor4D) => {
      const y = tf.conv2d(x, kernel, 1, "same");
      return [tf.sum(y), tf.mean(y), tf.matMul(tf.reshape(y, [1, -1]), tf.reshape(y, [-1, 1]))];
    }, options);
    // In bfloat16 a sum of ones ends at 256.
    const [sum, mean, product] = f(row(Array(4096).fill(1))).map((y) => y.dataSync()[0]);
    assertEquals([sum, mean, product], [4096, 1, 4096]);
    f.dispose();
  });
}

Deno.test("jit() in bfloat16 casts a kernel once, reshaped or not, and what is no float at once", () => {
  const f = jit((x: tf.Tensor, k: tf.Tensor, kept: tf.Tensor) => {
    const products = [1, 2].map(() => tf.matMul(x as tf.Tensor2D, tf.reshape(k, [2, 2])));
    return tf.mul(tf.add(products[0]!, products[1]!), tf.cast(kept, "float32"));
  }, { mixedPrecision: "bfloat16", name: "casts" });
  const k = tf.tensor1d([VALUES[2]!, 0, 0, 1]),
    kept = tf.tensor2d([[1, 0], [1, 1]], [2, 2], "bool");
  const y = f(tf.tensor2d([[1, 2], [3, 4]]), k, kept);
  assertEquals([...y.dataSync()], [2, 0, 6, 8]);
  f.dispose();
});

const map = (dtype: number, channels: number) => ({ dtype, shape: [2, 8, 8, channels] });
const channel = (channels: number) => ({ dtype: DataType.FLOAT, shape: [channels] });
const indices = { dtype: DataType.INT32, shape: [4] };
const { FLOAT, BFLOAT16: SHORT } = DataType;

const OPERATIONS: [name: string, Operation["inputs"], expected: number, stride?: number][] = [
  ["Conv2D", [map(FLOAT, 8), map(FLOAT, 8)], 2],
  ["MatMul", [map(SHORT, 8), map(FLOAT, 8)], 2],
  ["Mul", [map(FLOAT, 8), map(FLOAT, 8)], 0],
  ["Mul", [map(SHORT, 8), map(FLOAT, 8)], 2],
  ["Mul", [map(SHORT, 8), channel(8)], 2],
  // The larger one decides.
  ["Mul", [map(FLOAT, 8), { dtype: SHORT, shape: [8] }], 0],
  ["Slice", [map(SHORT, 8), indices, indices], 3],
  ["Sigmoid", [map(SHORT, 8)], 0],
  ["BiasAddGrad", [map(SHORT, 8)], 0],
  ["ResourceApplyAdam", [map(SHORT, 8)], 0],
  ["FusedBatchNormV3", [map(SHORT, 32), channel(32), channel(32), channel(0), channel(0)], 1],
  ["FusedBatchNormV3", [map(SHORT, 24), channel(24), channel(24), channel(0), channel(0)], 0],
  ["FusedBatchNormGradV3", [map(SHORT, 32), map(SHORT, 32), channel(32)], 2],
  ["FusedBatchNormGradV3", [map(FLOAT, 32), map(FLOAT, 32), channel(32)], 0],
  ["DepthwiseConv2dNative", [map(FLOAT, 8), channel(8)], 2, 2],
  ["DepthwiseConv2dNativeBackpropInput", [indices, channel(8), map(SHORT, 8)], 3, 1],
  ["DepthwiseConv2dNativeBackpropInput", [indices, channel(8), map(SHORT, 8)], 0, 2],
];

for (const [i, [name, inputs, expected, stride = 1]] of OPERATIONS.entries()) {
  Deno.test(`inputsInBfloat16() of ${name} is ${expected} (${i})`, () => {
    const strides = { name: "strides", type: AttributeKind.INT, value: [1, stride, stride, 1] };
    const operation = { name, attributes: [strides], inputs };
    assertEquals(inputsInBfloat16(operation, false), expected);
  });
}

Deno.test("inputsInBfloat16() of a frozen function is that of some operations, whatever they read", () => {
  const all = { "Conv2D": 2, "LeakyRelu": 2, "Mul": 0, "FusedBatchNormV3": 0 };
  for (const [name, expected] of Object.entries(all)) {
    const operation = { name, attributes: [], inputs: [map(SHORT, 32), map(FLOAT, 32)] };
    assertEquals(inputsInBfloat16(operation, true), expected);
  }
});

for (const channels of [16, 24]) {
  Deno.test(`BatchNorm in bfloat16 has the statistics and gradients of float32, ${channels} channels`, () => {
    const gamma = wave([channels], 0.7, 0.1), beta = wave([channels], 0.3, 0.2);
    const kernel = tf.reshape(tf.eye(channels), [1, 1, channels, channels]) as tf.Tensor4D;
    // Numbers with 8 binary digits: a product with the unit matrix keeps them.
    const short = (start: number) => {
      const numbers = wave([2, 8, 8, channels], 0.37, start);
      return tf.div(tf.round(tf.mul(numbers, 127)), 128) as tf.Tensor4D;
    };
    const x = short(0.2), slope = short(0.9);
    const normalise = (x: tf.Tensor4D) => {
      const f = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) => {
        const [y, mean, variance] = batchNormTraining(
          tf.conv2d(x as tf.Tensor4D, kernel, 1, "same"),
          gamma,
          beta,
          1e-3,
        );
        statistics = [tf.keep(mean), tf.keep(variance)];
        return y;
      };
      let statistics: tf.Tensor[] = [];
      const { value, grads } = tf.valueAndGrads(f)([x, gamma, beta], slope);
      return [value, ...grads, ...statistics];
    };
    const exact = jit(normalise), mixed = jit(normalise, { mixedPrecision: "bfloat16" });
    const [a, b] = [exact(x), mixed(x)];
    const difference = a.map((a, i) =>
      tf.tidy(() => tf.norm(tf.sub(a, b[i]!)).dataSync()[0]! / tf.norm(a).dataSync()[0]!)
    );
    const [y, dx, dgamma, dbeta, mean, variance] = difference as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    for (const rounded of [y, dx]) assertLess(rounded, 0.005);
    // The slope that they add up has been rounded.
    for (const sum of [dgamma, dbeta]) assertLess(sum, 0.005);
    for (const statistic of [mean, variance]) assertLess(statistic, 1e-5);
    assertNotEquals(dx, 0);
    tf.dispose([a, b, gamma, beta, kernel, slope, x]);
    exact.dispose();
    mixed.dispose();
  });
}

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
