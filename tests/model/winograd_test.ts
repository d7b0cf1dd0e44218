import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { activate, type Activation, fusedConvolution } from "@/model/layers/mod.ts";
import { winogradConvolution, winogradPays, winogradTiles } from "@/model/layers/winograd.ts";
import { winogradMatrices } from "@/model/layers/winograd_matrices.ts";
import { jit, type JitOptions, kernelsCompiled, tf } from "@/tensorflow/mod.ts";
import { assertClose, wave } from "../tensorflow/assert_close.ts";

const FILTERS: { outputs: number; taps: number; points: number[] }[] = [
  { outputs: 1, taps: 1, points: [] },
  { outputs: 2, taps: 3, points: [0, 1, -1] },
  { outputs: 4, taps: 3, points: [0, 1, -1, 2, -2] },
  { outputs: 4, taps: 3, points: [0, 5 / 8, -5 / 8, 3 / 2, -3 / 2] },
  { outputs: 3, taps: 2, points: [3, -1, 1 / 2] },
  { outputs: 2, taps: 5, points: [0, 1, -1, 2, -1 / 2] },
];

for (const { outputs, taps, points } of FILTERS) {
  Deno.test(`winogradMatrices() F(${outputs}, ${taps}) at ${points.join(", ")}`, () => {
    const { input, kernel, output } = winogradMatrices(outputs, taps, points);
    const values = Array.from({ length: outputs + taps - 1 }, (_, i) => Math.sin(1.7 * i + 1));
    const weights = Array.from({ length: taps }, (_, i) => Math.cos(2.3 * i));
    const [inputs, factors] = [times(input, values), times(kernel, weights)];
    const found = times(output, inputs.map((value, i) => value * factors[i]!));
    assertEquals(found.length, outputs);
    for (const [i, value] of found.entries()) {
      const expected = weights.reduce((sum, weight, k) => sum + weight * values[i + k]!, 0);
      assertAlmostEquals(value, expected, 1e-12);
    }
  });
}

Deno.test("winogradMatrices() refuses other numbers of points, and a point twice", () => {
  for (const points of [[0, 1], [0, 1, -1, 2], [0, 1, 1]]) {
    assertThrows(() => winogradMatrices(2, 3, points), RangeError, "F(2, 3)");
  }
});

const CASES: { shape: number[]; filters: number; scale?: number; activation?: Activation }[] = [
  { shape: [1, 8, 8, 3], filters: 2 },
  { shape: [1, 1, 1, 2], filters: 1 },
  { shape: [2, 5, 11, 4], filters: 3, activation: { kind: "relu" } },
  { shape: [1, 10, 4, 2], filters: 5, activation: { kind: "leaky-relu", alpha: 0.1 } },
  { shape: [3, 6, 7, 1], filters: 2, activation: { kind: "swish" } },
  { shape: [1, 4, 8, 3], filters: 2, scale: 2, activation: { kind: "swish" } },
  { shape: [2, 7, 5, 2], filters: 3, scale: 4 },
];

for (const { shape, filters, scale = 1, activation } of CASES) {
  const name = `[${shape}], scale ${scale}, ${activation?.kind ?? "no activation"}`;
  Deno.test(`winogradConvolution() is conv2d: ${name}`, async () => {
    const x: tf.Tensor4D = wave(shape, 0.7, 0);
    const kernel: tf.Tensor4D = wave([3, 3, shape[3]!, scale * scale * filters], 1.3, 1);
    const bias: tf.Tensor1D = wave([filters], 2.1, 2);
    const plain = tf.conv2d(x, kernel, 1, "same");
    const map = scale === 1 ? plain : tf.depthToSpace(plain, scale);
    const add: tf.Tensor4D = wave(map.shape, 0.9, 3);
    for (const summand of [undefined, add]) {
      const biased: tf.Tensor4D = tf.add(map, bias);
      const expected = activate(summand ? tf.add(biased, summand) : biased, activation);
      const run = (x: tf.Tensor4D) =>
        winogradConvolution(winogradTiles(x), kernel, { bias, add: summand, activation }, scale);
      const traced = jit(run), frozen = jit(run, { freeze: true });
      for (const [how, f] of Object.entries({ eager: run, traced, frozen, again: frozen })) {
        assertEquals(f(x).shape, expected.shape);
        assertClose(f(x), expected, 1e-5, `${how}, add ${summand !== undefined}`);
      }
      for (const f of [traced, frozen]) f.dispose();
    }
    await kernelsCompiled();
  });
}

Deno.test("winogradPays() for constant kernels of large float32 convolutions", () => {
  type Shape = [number, number, number, number];
  const pays = (shape: Shape, kernelShape: Shape, options: JitOptions = { freeze: true }) => {
    let answer: boolean | undefined;
    const kernel: tf.Tensor4D = tf.zeros(kernelShape);
    const traced = jit((x: tf.Tensor4D) => {
      answer = winogradPays(x, kernel);
      return tf.neg(x);
    }, options);
    traced(tf.zeros(shape)).dispose();
    traced.dispose();
    return answer;
  };
  const map: Shape = [1, 29, 32, 4], kernel: Shape = [3, 3, 512, 64];
  assertEquals(pays(map, kernel), Deno.build.arch === "x86_64");
  assertEquals(pays([1, 28, 32, 4], kernel), false, "few tiles");
  assertEquals(pays([2, 16, 32, 4], kernel), Deno.build.arch === "x86_64", "of two maps");
  assertEquals(pays(map, [3, 3, 511, 64]), false, "few products");
  assertEquals(pays(map, [3, 3, 127, 512]), false, "few channels");
  assertEquals(pays(map, [3, 3, 2048, 31]), false, "few filters");
  assertEquals(pays(map, [1, 1, 512, 64]), false, "no 3x3 kernel");
  assertEquals(pays(map, kernel, {}), false, "the kernel is no constant");
  assertEquals(pays(map, kernel, { freeze: true, mixedPrecision: "bfloat16" }), false, "bfloat16");
  assertEquals(pays(map, kernel, { freeze: true, xla: true }), false, "XLA compiles all");
  assertEquals(winogradPays(tf.zeros(map), tf.zeros(kernel)), false, "eager");
});

Deno.test("fusedConvolution() of a large convolution loses little by Winograd's method", async () => {
  const shape: [number, number, number, number] = [1, 32, 32, 512];
  const x = tf.randomNormal<tf.Rank.R4>(shape, 0, 1, "float32", 1);
  const kernel = tf.randomNormal<tf.Rank.R4>(
    [3, 3, 512, 64],
    0,
    1 / Math.sqrt(9 * 512),
    "float32",
    2,
  );
  const geometry = { kind: "conv", stride: 1, padding: "same" } as const;
  const bias = tf.zeros([64]);
  const run = (x: tf.Tensor4D) => fusedConvolution(x, kernel, geometry, { bias });
  const frozen = jit(run, { freeze: true });
  const [values, weights] = [x.dataSync(), kernel.dataSync()];
  const y = frozen(x);
  // Sums in float64, of some pixels at borders and inside.
  for (const [row, column, filter] of [[0, 0, 5], [3, 4, 0], [17, 31, 63], [31, 16, 9]] as const) {
    let expected = 0;
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        const [down, across] = [row + i - 1, column + j - 1];
        if (down < 0 || across < 0 || down >= 32 || across >= 32) continue;
        for (let c = 0; c < 512; c++) {
          expected += values[(down * 32 + across) * 512 + c]! *
            weights[((i * 3 + j) * 512 + c) * 64 + filter]!;
        }
      }
    }
    const found = y.dataSync()[(row * 32 + column) * 64 + filter]!;
    assertAlmostEquals(found, expected, 2e-5);
  }
  frozen.dispose();
  await kernelsCompiled();
});

function times(matrix: number[][], vector: number[]): number[] {
  return matrix.map((row) => row.reduce((sum, factor, i) => sum + factor * vector[i]!, 0));
}
