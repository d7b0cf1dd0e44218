import { assertEquals } from "@std/assert";
import { jit, kernelsCompiled, tf } from "@/tensorflow/mod.ts";
import { leakyRelu, swish } from "@/model/layers/mod.ts";
import {
  batchNormInference,
  batchNormTraining,
  biasAdd,
  conv2d,
  depthwiseConv2d,
  doublingConv2d,
  dropJoined,
  scaledConv2d,
  withSpatialMean,
} from "@/model/layers/kernels/mod.ts";
import { assertClose, finiteDifferences, wave } from "../tensorflow/assert_close.ts";
import vectors from "../tensorflow/kernel_vectors.json" with { type: "json" };

const EPSILON = 1e-3;
const SHAPE = [2, 2, 2, 2];

const row = (...values: number[]) => tf.tensor4d(values, [1, 1, values.length, 1]);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** The kernels of the model's own, with numbers worked by hand or TensorFlow's (kernel_vectors.py). */
const KERNELS: {
  name: string;
  inputs(): tf.Tensor[];
  run(...inputs: tf.Tensor[]): tf.Tensor;
  expected: number[];
  gradients?: number[][];
}[] = [
  {
    name: "leakyRelu()",
    inputs: () => [row(-2, -0.5, 0.5, 3)],
    run: (x) => leakyRelu(x as tf.Tensor4D, 0.1),
    expected: [-0.2, -0.05, 0.5, 3],
  },
  {
    name: "swish()",
    inputs: () => [row(-2, 0, Math.log(3), 20)],
    run: (x) => swish(x as tf.Tensor4D),
    expected: [-2 * sigmoid(-2), 0, 0.75 * Math.log(3), 20 * sigmoid(20)],
  },
  {
    name: "biasAdd()",
    inputs: () => [tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 1, 3, 2]), tf.tensor1d([10, 20])],
    run: (x, bias) => biasAdd(x as tf.Tensor4D, bias),
    expected: [11, 22, 13, 24, 15, 26],
  },
  {
    name: "dropJoined()",
    inputs: () => [row(-2, -0.5, 0.5, 3)],
    run: (x) =>
      dropJoined(
        [x as tf.Tensor4D],
        { mask: tf.tensor4d([1, 0, 1, 0], [1, 1, 4, 1], "bool") },
        2,
      ),
    expected: [-4, 0, 1, 0],
  },
  {
    name: "withSpatialMean()",
    inputs: () => [row(1, 2, 3, 6)],
    run: (x) => {
      const [same, mean] = withSpatialMean(x as tf.Tensor4D);
      return tf.add(tf.square(same), tf.mul(mean, 10));
    },
    expected: [31, 34, 39, 66],
  },
  {
    // Of each pixel (a, b): first image (a / 2 + 6 b, a + 8 b), second (a - 3 b, 2 a - 4 b).
    name: "scaledConv2d()",
    inputs: () => [
      tf.tensor4d(Array.from({ length: 16 }, (_, i) => i + 1), [2, 2, 2, 2]),
      tf.tensor4d([0.5, 2, 1, -1], [2, 1, 1, 2]),
      tf.tensor4d([1, 2, 3, 4], [1, 1, 2, 2]),
    ],
    run: (x, scale, kernel) =>
      scaledConv2d(x as tf.Tensor4D, scale as tf.Tensor4D, kernel as tf.Tensor4D, 1),
    expected: [12.5, 17, 25.5, 35, 38.5, 53, 51.5, 71, -21, -22, -25, -26, -29, -30, -33, -34],
  },
  {
    name: "batchNormTraining()",
    inputs: () => [wave(SHAPE, 1.7, 0.3), tf.tensor1d([1.5, 0.5]), tf.tensor1d([0.25, -1])],
    run: (x, gamma, beta) => batchNormTraining(x as tf.Tensor4D, gamma, beta, EPSILON)[0],
    expected: vectors["batch norm training"],
    gradients: [
      vectors["batch norm training dx"],
      vectors["batch norm training dgamma"],
      vectors["batch norm training dbeta"],
    ],
  },
  {
    name: "batchNormInference()",
    inputs: () => [wave(SHAPE, 1.7, 0.3), tf.tensor1d([1.5, 0.5]), tf.tensor1d([0.25, -1])],
    run: (x, gamma, beta) =>
      batchNormInference(
        x as tf.Tensor4D,
        gamma,
        beta,
        tf.tensor1d([0.1, -0.2]),
        tf.tensor1d([0.8, 1.3]),
        EPSILON,
      ),
    expected: vectors["batch norm inference"],
    gradients: [
      vectors["batch norm inference dx"],
      vectors["batch norm inference dgamma"],
      vectors["batch norm inference dbeta"],
    ],
  },
];

for (const { name, inputs, run, expected, gradients } of KERNELS) {
  Deno.test(`${name} gives the expected numbers, eager and traced`, () => {
    tf.tidy(() => {
      const tensors = inputs();
      const jitted = jit(run);
      for (const y of [run(...tensors), jitted(...tensors)]) {
        assertClose(y, expected, 2e-5);
        assertEquals(y.shape, tensors[0]!.shape);
      }
      jitted.dispose();
    });
  });

  Deno.test(`${name} has the gradients of finite differences, eager and traced`, () => {
    tf.tidy(() => {
      const tensors = inputs();
      const weighted = (...xs: tf.Tensor[]) => {
        const y = run(...xs);
        return tf.sum(tf.mul(y, wave(y.shape, 0.7, 0.9)));
      };
      const differences = finiteDifferences(weighted, tensors);
      const gradient = tf.grads(weighted);
      const jitted = jit((...xs: tf.Tensor[]) => gradient(xs));
      for (const computed of [gradient(tensors), jitted(...tensors)]) {
        for (const [i, numbers] of differences.entries()) {
          assertClose(computed[i]!, numbers, 5e-3, `input ${i}, finite differences`);
          if (gradients) assertClose(computed[i]!, gradients[i]!, 2e-5, `input ${i}, TensorFlow`);
        }
      }
      jitted.dispose();
    });
  });
}

Deno.test("batchNormTraining() gives the batch's mean and unbiased variance", () => {
  tf.tidy(() => {
    const x = wave<tf.Tensor4D>(SHAPE, 1.7, 0.3);
    const [, mean, variance] = batchNormTraining(x, tf.ones([2]), tf.zeros([2]), EPSILON);
    assertClose(mean, vectors["batch norm mean"], 1e-5);
    assertClose(variance, vectors["batch norm variance"], 1e-5);
  });
});

Deno.test("batchNormInference() gives its statistics no gradient", () => {
  const x = wave<tf.Tensor4D>(SHAPE, 1.7, 0.3);
  const gradient = tf.grads((mean: tf.Tensor, variance: tf.Tensor) =>
    batchNormInference(x, tf.ones([2]), tf.zeros([2]), mean, variance, EPSILON)
  );
  const gradients = gradient([tf.tensor1d([0.1, -0.2]), tf.tensor1d([0.8, 1.3])]);
  for (const values of gradients) assertClose(values, [0, 0], 0);
});

Deno.test("leakyRelu() has the slope alpha at zero and below", () => {
  const slopes = tf.grad((x) => leakyRelu(x as tf.Tensor4D, 0.25))(row(-1, 0, 1));
  assertClose(slopes, [0.25, 0.25, 1]);
});

Deno.test("swish() and its gradient stay finite for large inputs", () => {
  const x = row(-1e4, 1e4);
  assertClose(swish(x), [0, 1e4], 1e-6);
  assertClose(tf.grad((x) => swish(x as tf.Tensor4D))(x), [0, 1], 1e-6);
});

// TensorFlow's one operation for each gradient, which TensorFlow.js calls, takes any kernel.
for (const size of [1, 3, 5, 7]) {
  for (const [stride, height, width] of [[1, 6, 9], [2, 8, 8], [2, 7, 9], [1, 2, 1]] as const) {
    const name =
      `a depthwise ${size} x ${size} convolution of stride ${stride}, ${height} x ${width}`;
    Deno.test(`${name} has the gradients of TensorFlow`, () => {
      tf.tidy(() => {
        const x = wave<tf.Tensor4D>([2, height, width, 3], 0.37, 0.2);
        const kernel = wave<tf.Tensor4D>([size, size, 3, 1], 0.91, 0.1);
        const expected = tf.valueAndGrads((x: tf.Tensor, kernel: tf.Tensor) =>
          tf.depthwiseConv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, stride, "same")
        );
        const ours = tf.valueAndGrads((x: tf.Tensor, kernel: tf.Tensor) =>
          depthwiseConv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, stride)
        );
        const y = depthwiseConv2d(x, kernel, stride);
        const dy = wave<tf.Tensor4D>(y.shape, 0.7, 0.9);
        const jitted = jit((x: tf.Tensor, kernel: tf.Tensor) => ours([x, kernel], dy));
        const wanted = expected([x, kernel], dy);
        for (const { value, grads } of [ours([x, kernel], dy), jitted(x, kernel)]) {
          assertClose(value, [...wanted.value.dataSync()], 1e-5, "value");
          for (const [i, gradient] of wanted.grads.entries()) {
            assertEquals(grads[i]!.shape, gradient.shape);
            assertClose(grads[i]!, [...gradient.dataSync()], 1e-5, `gradient of input ${i}`);
          }
        }
        jitted.dispose();
      });
    });
  }
}

type Kernel = (x: tf.Tensor4D, kernel: tf.Tensor4D) => tf.Tensor;

/** Convolutions computed in another way than TensorFlow.js does, which is what they must equal. */
const CONVOLUTIONS: [name: string, x: number[], kernel: number[], ours: Kernel, theirs: Kernel][] =
  [
    ["conv2d() 1 x 1", [2, 3, 5, 4], [1, 1, 4, 6], strideOne, plain],
    ["conv2d() 1 x 1, one pixel", [2, 1, 1, 4], [1, 1, 4, 3], strideOne, plain],
    [
      "conv2d() 3 x 3 of stride 2",
      [1, 6, 4, 3],
      [3, 3, 3, 2],
      (x, k) => conv2d(x, k, 2),
      (x, k) => {
        return tf.conv2d(x, k, 2, "same");
      },
    ],
    // From 16 MiB on the gradients are computed one after the other.
    [
      "conv2d() of a large map",
      [1, 256, 256, 64],
      [3, 3, 64, 1],
      strideOne,
      plain,
    ],
    // Between few channels two columns are made at a time, if their number is even.
    [
      "conv2d() narrow",
      [2, 5, 6, 8],
      [3, 3, 8, 5],
      strideOne,
      plain,
    ],
    ["conv2d() narrow, two columns", [1, 1, 2, 2], [3, 3, 2, 8], strideOne, plain],
    ["conv2d() narrow, odd", [2, 4, 5, 3], [3, 3, 3, 4], strideOne, plain],
    // Of one image and few channels the kernel's gradient is made by halves, if its height is even.
    ["conv2d() by halves", [1, 6, 5, 16], [3, 3, 16, 10], strideOne, plain],
    ["conv2d() by halves, 3 x 5", [1, 4, 5, 9], [3, 5, 9, 3], strideOne, plain],
    ["conv2d() narrow, by halves", [1, 6, 4, 8], [3, 3, 8, 8], strideOne, plain],
    ["conv2d() of one image, odd", [1, 5, 5, 16], [3, 3, 16, 10], strideOne, plain],
    // From 32 x 32 channels on the kernel's gradient is made of matrix products.
    ["doublingConv2d() narrow", [2, 3, 5, 4], [3, 3, 2, 4], doublingConv2d, doubled],
    ["doublingConv2d() wide", [2, 3, 5, 32], [3, 3, 32, 32], doublingConv2d, doubled],
    ["doublingConv2d() 2 x 2", [1, 3, 2, 4], [2, 2, 3, 4], doublingConv2d, doubled],
  ];

Deno.test("scaledConv2d() equals the convolution of the scaled map, with many filters and strides too", () => {
  tf.tidy(() => {
    for (
      const [kernelShape, stride] of [[[1, 1, 3, 2], 1], [[1, 1, 3, 40], 1], [
        [3, 3, 3, 2],
        2,
      ]] as const
    ) {
      const x = wave<tf.Tensor4D>([2, 4, 5, 3], 0.37, 0.2);
      const scale = wave<tf.Tensor4D>([2, 1, 1, 3], 0.6, 0.4);
      const kernel = wave<tf.Tensor4D>([...kernelShape], 0.91, 0.1);
      const expected = tf.conv2d(tf.mul<tf.Tensor4D>(x, scale), kernel, stride, "same");
      assertClose(scaledConv2d(x, scale, kernel, stride), expected, 1e-5, `[${kernelShape}]`);
    }
  });
});

function strideOne(x: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor {
  return conv2d(x, kernel, 1);
}

function plain(x: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor {
  return tf.conv2d(x, kernel, 1, "same");
}

function doubled(x: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor {
  const [batch, height, width] = x.shape;
  const shape: [number, number, number, number] = [
    batch,
    2 * height,
    2 * width,
    kernel.shape[2],
  ];
  return tf.conv2dTranspose(x, kernel, shape, 2, "same");
}

for (const [name, xShape, kernelShape, ours, theirs] of CONVOLUTIONS) {
  Deno.test(`${name} has the numbers and gradients of TensorFlow, eager and traced`, () => {
    tf.tidy(() => {
      const x = wave<tf.Tensor4D>(xShape, 0.37, 0.2);
      const kernel = wave<tf.Tensor4D>(kernelShape, 0.91, 0.1);
      const dy = wave(theirs(x, kernel).shape, 0.7, 0.9);
      const gradient = (kernel: Kernel) =>
        tf.valueAndGrads(kernel as (...xs: tf.Tensor[]) => tf.Tensor);
      const wanted = gradient(theirs)([x, kernel], dy);
      const jitted = jit((x: tf.Tensor, kernel: tf.Tensor) => gradient(ours)([x, kernel], dy));
      for (const { value, grads } of [gradient(ours)([x, kernel], dy), jitted(x, kernel)]) {
        assertEquals(value.shape, wanted.value.shape);
        assertClose(value, [...wanted.value.dataSync()], 1e-5, "value");
        for (const [i, expected] of wanted.grads.entries()) {
          assertEquals(grads[i]!.shape, expected.shape);
          assertClose(grads[i]!, [...expected.dataSync()], 1e-4, `gradient of input ${i}`);
        }
      }
      jitted.dispose();
    });
  });
}

/** Maps that are large enough to be gone over by kernels of their own. */
const LARGE: { name: string; shapes: number[][]; run(...inputs: tf.Tensor[]): tf.Tensor }[] = [
  {
    name: "swish()",
    shapes: [[1, 256, 256, 16]],
    run: (x) => swish(x as tf.Tensor4D),
  },
  {
    name: "dropJoined()",
    shapes: [[1, 256, 256, 48], [1, 256, 256, 16]],
    run: (...parts) => {
      const keys = tf.tensor2d([[123456789, -987654321]], [1, 2], "int32");
      return dropJoined(parts as tf.Tensor4D[], { keys, rate: 0.2 }, 1.25);
    },
  },
];

for (const { name, shapes, run } of LARGE) {
  Deno.test(`${name} of large maps is in one pass what it is in several, gradients too`, async () => {
    tf.tidy(() => {
      const inputs = shapes.map((shape, i) => wave(shape, 1.7 + i, 0.3));
      const dy = wave(run(...inputs).shape, 0.7, 0.9);
      const results = (...inputs: tf.Tensor[]) => [run(...inputs), ...tf.grads(run)(inputs, dy)];
      const traced = jit(results);
      const found = traced(...inputs);
      for (const [i, expected] of results(...inputs).entries()) {
        assertEquals(tf.max(tf.abs(expected)).dataSync()[0]! > 0.5, true);
        const difference = tf.max(tf.abs(tf.sub(found[i]!, expected))).dataSync()[0]!;
        assertEquals(difference < 1e-6, true, `output ${i} differs by ${difference}`);
      }
      traced.dispose();
    });
    await kernelsCompiled();
  });
}
