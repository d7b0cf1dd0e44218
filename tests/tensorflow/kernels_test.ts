import { jit, tf } from "@/tensorflow/mod.ts";
import { assertClose, finiteDifferences, wave } from "./assert_close.ts";
import vectors from "./kernel_vectors.json" with { type: "json" };

type Four = tf.Tensor4D;

/** One operation: the same inputs eager and traced must give the expected numbers. */
interface Kernel {
  name: string;
  /** Shapes of inputs, which become waves, or the inputs' values. */
  inputs: (number[] | tf.Tensor)[];
  run(...inputs: tf.Tensor[]): tf.Tensor;
  /** From TensorFlow (kernel_vectors.py), or worked by hand. */
  expected: number[];
  /** Whether its gradients are compared with finite differences. Default: true. */
  differentiable?: boolean;
}

const v = (...values: number[]) => tf.tensor1d(values);
const matrix = (...rows: number[][]) => tf.tensor2d(rows);

const KERNELS: Kernel[] = [
  // Convolutions.
  {
    name: "conv2d",
    inputs: [[1, 4, 4, 2], [3, 3, 2, 2]],
    run: (x, k) => tf.conv2d(x as Four, k as Four, 1, "same"),
    expected: vectors["conv2d"],
  },
  {
    name: "conv2d of stride 2",
    inputs: [[1, 4, 4, 2], [3, 3, 2, 2]],
    run: (x, k) => tf.conv2d(x as Four, k as Four, 2, "same"),
    expected: vectors["conv2d stride 2"],
  },
  {
    name: "depthwiseConv2d",
    inputs: [[1, 4, 4, 2], [3, 3, 2, 1]],
    run: (x, k) => tf.depthwiseConv2d(x as Four, k as Four, 1, "same"),
    expected: vectors["depthwiseConv2d"],
  },
  {
    name: "depthwiseConv2d of stride 2",
    inputs: [[1, 4, 4, 2], [3, 3, 2, 1]],
    run: (x, k) => tf.depthwiseConv2d(x as Four, k as Four, 2, "same"),
    expected: vectors["depthwiseConv2d stride 2"],
  },
  {
    name: "conv2dTranspose",
    inputs: [[1, 2, 2, 2], [3, 3, 2, 2]],
    run: (x, k) => tf.conv2dTranspose(x as Four, k as Four, [1, 4, 4, 2], 2, "same"),
    expected: vectors["conv2dTranspose"],
  },
  {
    name: "resizeBilinear",
    inputs: [[1, 2, 2, 2]],
    run: (x) => tf.image.resizeBilinear(x as Four, [4, 4], false, true),
    expected: vectors["resizeBilinear"],
    // TensorFlow.js 4.22 differentiates it as if the centres of pixels were their corners.
    differentiable: false,
  },
  {
    name: "maxPool",
    inputs: [tf.tensor4d([1, 5, 2, 0, 3, -1, 8, 4, -6, -2, 7, 9, -3, -4, 6, 1], [1, 4, 4, 1])],
    run: (x) => tf.maxPool(x as Four, 2, 2, "valid"),
    expected: [5, 8, -2, 9],
  },
  // Arithmetic, with broadcasting.
  {
    name: "add",
    inputs: [matrix([1, 2], [3, 4]), v(10, 20)],
    run: (a, b) => tf.add(a, b),
    expected: [11, 22, 13, 24],
  },
  {
    name: "sub",
    inputs: [matrix([1, 2], [3, 4]), v(10, 20)],
    run: (a, b) => tf.sub(a, b),
    expected: [-9, -18, -7, -16],
  },
  {
    name: "mul",
    inputs: [matrix([1, 2], [3, 4]), tf.tensor2d([[10], [20]])],
    run: (a, b) => tf.mul(a, b),
    expected: [10, 20, 60, 80],
  },
  {
    name: "div",
    inputs: [v(1, -6, 9), v(2, 3, -4)],
    run: (a, b) => tf.div(a, b),
    expected: [0.5, -2, -2.25],
  },
  {
    name: "maximum",
    inputs: [v(1, -6, 9), v(2, -7, 4)],
    run: (a, b) => tf.maximum(a, b),
    expected: [2, -6, 9],
  },
  {
    name: "minimum",
    inputs: [v(1, -6, 9), v(2, -7, 4)],
    run: (a, b) => tf.minimum(a, b),
    expected: [1, -7, 4],
  },
  {
    name: "pow",
    inputs: [v(1, 2, 3), v(2, 3, 0.5)],
    run: (a, b) => tf.pow(a, b),
    expected: [1, 8, Math.sqrt(3)],
  },
  {
    name: "matMul",
    inputs: [matrix([1, 2], [3, 4]), matrix([5, 6], [7, 8])],
    run: (a, b) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D),
    expected: [19, 22, 43, 50],
  },
  { name: "neg", inputs: [v(1, -2)], run: (x) => tf.neg(x), expected: [-1, 2] },
  { name: "abs", inputs: [v(1, -2)], run: (x) => tf.abs(x), expected: [1, 2] },
  { name: "exp", inputs: [v(0, 1)], run: (x) => tf.exp(x), expected: [1, Math.E] },
  { name: "log", inputs: [v(1, 2)], run: (x) => tf.log(x), expected: [0, Math.LN2] },
  { name: "log1p", inputs: [v(0, 1)], run: (x) => tf.log1p(x), expected: [0, Math.LN2] },
  { name: "square", inputs: [v(3, -2)], run: (x) => tf.square(x), expected: [9, 4] },
  { name: "sqrt", inputs: [v(9, 2)], run: (x) => tf.sqrt(x), expected: [3, Math.SQRT2] },
  { name: "rsqrt", inputs: [v(4, 2)], run: (x) => tf.rsqrt(x), expected: [0.5, Math.SQRT1_2] },
  { name: "sin", inputs: [v(0, 1)], run: (x) => tf.sin(x), expected: [0, Math.sin(1)] },
  { name: "cos", inputs: [v(0, 1)], run: (x) => tf.cos(x), expected: [1, Math.cos(1)] },
  { name: "relu", inputs: [v(3, -2)], run: (x) => tf.relu(x), expected: [3, 0] },
  {
    name: "sigmoid",
    inputs: [v(0, Math.log(3), -Math.log(3))],
    run: (x) => tf.sigmoid(x),
    expected: [0.5, 0.75, 0.25],
  },
  {
    name: "softplus",
    inputs: [v(0, Math.log(3))],
    run: (x) => tf.softplus(x),
    expected: [Math.LN2, Math.log(4)],
  },
  {
    name: "clipByValue",
    inputs: [v(-2, 0.25, 3)],
    run: (x) => tf.clipByValue(x, 0, 1),
    expected: [0, 0.25, 1],
  },
  // Reductions.
  {
    name: "sum",
    inputs: [matrix([1, 2], [3, 5])],
    run: (x) => tf.sum(x, 0),
    expected: [4, 7],
  },
  {
    name: "mean with kept dimensions",
    inputs: [tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 2])],
    run: (x) => tf.mean(x, [1, 2], true),
    expected: [4, 5],
  },
  {
    name: "max",
    inputs: [matrix([1, 2], [3, -5])],
    run: (x) => tf.max(x, 1),
    expected: [2, 3],
  },
  {
    name: "prod",
    inputs: [matrix([1, 2], [3, 5])],
    run: (x) => tf.prod(x, 1),
    expected: [2, 15],
    differentiable: false,
  },
  {
    name: "argMax",
    inputs: [matrix([1, 2], [3, -5])],
    run: (x) => tf.argMax(x, 1),
    expected: [1, 0],
    differentiable: false,
  },
  {
    name: "topk",
    inputs: [v(3, 9, 1, 7)],
    run: (x) => tf.topk(x, 3).values,
    expected: [9, 7, 3],
    differentiable: false,
  },
  // Operations with a list of inputs.
  {
    name: "concat",
    inputs: [matrix([1], [2]), matrix([3, 4], [5, 6]), matrix([7], [8])],
    run: (a, b, c) => tf.concat([a, b, c], 1),
    expected: [1, 3, 4, 7, 2, 5, 6, 8],
  },
  {
    name: "stack",
    inputs: [v(1, 2), v(3, 4)],
    run: (a, b) => tf.stack([a, b], 1),
    expected: [1, 3, 2, 4],
  },
  {
    name: "addN",
    inputs: [v(1, 2), v(3, 4), v(5, 6)],
    run: (a, b, c) => tf.addN([a, b, c]),
    expected: [9, 12],
  },
  // Shapes.
  {
    name: "reshape",
    inputs: [matrix([1, 2], [3, 4])],
    run: (x) => tf.mul(tf.reshape(x, [4]), tf.tensor1d([1, 10, 100, 1000])),
    expected: [1, 20, 300, 4000],
  },
  {
    name: "transpose",
    inputs: [matrix([1, 2, 3], [4, 5, 6])],
    run: (x) => tf.transpose(x),
    expected: [1, 4, 2, 5, 3, 6],
  },
  {
    name: "slice",
    inputs: [matrix([1, 2, 3], [4, 5, 6])],
    run: (x) => tf.slice(x, [0, 1], [2, 2]),
    expected: [2, 3, 5, 6],
  },
  {
    name: "split",
    inputs: [v(1, 2, 3, 4)],
    run: (x) => tf.sub(...tf.split(x, 2) as [tf.Tensor, tf.Tensor]),
    expected: [-2, -2],
  },
  {
    name: "unstack",
    inputs: [matrix([1, 2], [3, 4])],
    run: (x) => tf.unstack(x)[1]!,
    expected: [3, 4],
  },
  {
    name: "pad",
    inputs: [v(1, 2)],
    run: (x) => tf.pad(x, [[1, 2]], 9),
    expected: [9, 1, 2, 9, 9],
  },
  {
    name: "tile",
    inputs: [matrix([1, 2])],
    run: (x) => tf.tile(x, [2, 2]),
    expected: [1, 2, 1, 2, 1, 2, 1, 2],
  },
  {
    name: "broadcastTo",
    inputs: [matrix([1], [2])],
    run: (x) => tf.broadcastTo(x, [2, 2]),
    expected: [1, 1, 2, 2],
  },
  {
    name: "reverse",
    inputs: [matrix([1, 2], [3, 4])],
    run: (x) => tf.reverse(x, 1),
    expected: [2, 1, 4, 3],
  },
  {
    name: "gather",
    inputs: [v(5, 6, 7)],
    run: (x) => tf.gather(x, tf.tensor1d([2, 0, 2], "int32")),
    expected: [7, 5, 7],
  },
  {
    name: "oneHot",
    inputs: [],
    run: () => tf.oneHot(tf.tensor1d([1, 0], "int32"), 3),
    expected: [0, 1, 0, 1, 0, 0],
    differentiable: false,
  },
  {
    name: "range, linspace, fill, zeros and ones",
    inputs: [],
    run: () =>
      tf.concat([
        tf.range(0, 3),
        tf.linspace(0, 1, 3),
        tf.fill([2], 7),
        tf.zeros([1]),
        tf.ones([1]),
      ]),
    expected: [0, 1, 2, 0, 0.5, 1, 7, 7, 0, 1],
    differentiable: false,
  },
  // Conditions and types.
  {
    name: "where",
    inputs: [v(1, -2, 3), v(10, 20, 30)],
    run: (a, b) => tf.where(tf.tensor1d([1, 0, 1], "bool"), a, b),
    expected: [1, 20, 3],
  },
  {
    name: "cast, logicalAnd, comparisons",
    inputs: [v(1, 2, 3, 4)],
    run: (x) => {
      const inside = tf.logicalAnd(tf.greaterEqual(x, 2), tf.lessEqual(x, 3));
      const outside = tf.logicalOr(tf.less(x, 2), tf.greater(x, 3));
      return tf.concat([tf.cast(inside, "float32"), tf.cast(outside, "float32")]);
    },
    expected: [0, 1, 1, 0, 1, 0, 0, 1],
    differentiable: false,
  },
  {
    name: "int32 arithmetic",
    inputs: [tf.tensor1d([7, -7], "int32"), tf.tensor1d([2, 2], "int32")],
    run: (a, b) => tf.add(tf.mul(a, b), tf.mod(a, b)),
    expected: [15, -13],
    differentiable: false,
  },
  {
    name: "round, floor, ceil and sign",
    inputs: [v(1.5, -0.4)],
    run: (x) => tf.concat([tf.round(x), tf.floor(x), tf.ceil(x), tf.sign(x)]),
    expected: [2, -0, 1, -1, 2, -0, 1, -1],
    differentiable: false,
  },
];

Deno.test("every kernel family gives the expected numbers, eager and traced", async (t) => {
  for (const { name, inputs, run, expected } of KERNELS) {
    await t.step(name, () =>
      tf.tidy(() => {
        const tensors = toTensors(inputs);
        const eager = run(...tensors);
        assertClose(eager, expected, 2e-6, `${name} eager`);

        const jitted = jit(run);
        const traced = jitted(...tensors);
        assertClose(traced, expected, 2e-6, `${name} traced`);
        assertClose(traced.shape, eager.shape);
        jitted.dispose();
      }));
  }
});

Deno.test("every kernel's gradients are those of finite differences, eager and traced", async (t) => {
  for (const { name, inputs, run, differentiable = true } of KERNELS) {
    if (!differentiable) continue;
    await t.step(name, () =>
      tf.tidy(() => {
        const tensors = toTensors(inputs);
        const weighted = (...xs: tf.Tensor[]) => {
          const y = run(...xs);
          return tf.sum(tf.mul(y, wave(y.shape, 0.7, 0.9)));
        };
        const expected = finiteDifferences(weighted, tensors);
        const gradient = tf.grads(weighted);
        const jitted = jit((...xs: tf.Tensor[]) => gradient(xs));
        const eager = gradient(tensors);
        const traced = jitted(...tensors);
        for (const [i, numbers] of expected.entries()) {
          assertClose(eager[i]!, numbers, 5e-3, `d${name}/dx${i} eager`);
          assertClose(traced[i]!, eager[i]!, 2e-6, `d${name}/dx${i} traced`);
        }
        jitted.dispose();
      }));
  }
});

function toTensors(inputs: (number[] | tf.Tensor)[]): tf.Tensor[] {
  return inputs.map((input, i) =>
    input instanceof tf.Tensor ? input : i === 0 ? wave(input, 0.37, 0.2) : wave(input, 0.91, 0.1)
  );
}
