import { assertThrows } from "@std/assert";
import { activate, fusedConvolution } from "@/model/layers/mod.ts";
import type { Activation, Geometry } from "@/model/layers/mod.ts";
import { paddedConv2d } from "@/model/layers/mod.ts";
import { jit, tf } from "@/tensorflow/mod.ts";
import { assertClose, wave } from "../tensorflow/assert_close.ts";

const ACTIVATIONS: (Activation | undefined)[] = [
  undefined,
  { kind: "relu" },
  { kind: "leaky-relu", alpha: 0.1 },
  { kind: "leaky-relu", alpha: 0.3 },
  { kind: "swish" },
];

const GEOMETRIES: (Geometry & { kernel: number[] })[] = [
  { kind: "conv", stride: 1, padding: "same", kernel: [3, 3, 4, 6] },
  { kind: "conv", stride: 2, padding: "same", kernel: [3, 3, 4, 6] },
  { kind: "conv", stride: 1, padding: "same", kernel: [1, 1, 4, 6] },
  { kind: "conv", stride: 2, padding: 1, kernel: [3, 3, 4, 6] },
  { kind: "conv", stride: 1, padding: 1, kernel: [3, 3, 2, 6] },
  { kind: "depthwise", stride: 1, padding: "same", kernel: [5, 5, 4, 1] },
  { kind: "depthwise", stride: 2, padding: "same", kernel: [3, 3, 4, 1] },
];

for (const geometry of GEOMETRIES) {
  const { kind, stride, padding, kernel: shape } = geometry;
  Deno.test(`fusedConvolution() ${kind} [${shape}], stride ${stride}, padding ${padding}`, () => {
    const x: tf.Tensor4D = wave([2, 6, 8, 4], 0.7, 0), kernel: tf.Tensor4D = wave(shape, 1.3, 1);
    const filters = kind === "conv" ? shape[3]! : shape[2]!;
    const bias: tf.Tensor1D = wave([filters], 2.1, 2);
    const convolved = plain(x, kernel, geometry);
    const add: tf.Tensor4D = wave(convolved.shape, 0.9, 3);
    for (const activation of ACTIVATIONS) {
      for (const summand of [undefined, add]) {
        const biased: tf.Tensor4D = tf.add(convolved, bias);
        const expected = activate(
          summand ? tf.add(biased, summand) as tf.Tensor4D : biased,
          activation,
        );
        const follow = { bias, add: summand, activation };
        const run = (x: tf.Tensor4D) => fusedConvolution(x, kernel, geometry, follow);
        for (const freeze of [false, true]) {
          const traced = jit(run, { freeze });
          const what = `${JSON.stringify(activation)}, add ${
            summand !== undefined
          }, freeze ${freeze}`;
          // Twice, as a kernel that writes into its input would show the second time.
          for (let i = 0; i < 2; i++) assertClose(traced(x), expected, 1e-5, what);
          traced.dispose();
        }
        assertClose(run(x), expected, 1e-5, "eager");
      }
    }
  });
}

Deno.test("fusedConvolution() within jit has gradients inside tf.grads", () => {
  const x: tf.Tensor4D = wave([1, 4, 4, 2], 0.7, 0), kernel: tf.Tensor4D = wave([3, 3, 2, 2], 1, 1);
  const bias: tf.Tensor1D = wave([2], 1, 2);
  const geometry = { kind: "conv", stride: 1, padding: "same" } as const;
  const loss = (x: tf.Tensor) =>
    tf.sum(fusedConvolution(x as tf.Tensor4D, kernel, geometry, { bias }));
  const traced = jit((x: tf.Tensor) => tf.grad(loss)(x));
  const expected = tf.grad((x) => tf.sum(tf.conv2d(x as tf.Tensor4D, kernel, 1, "same")))(x);
  assertClose(traced(x), expected);
  traced.dispose();
});

Deno.test("fusedConvolution() refuses a kernel that does not fit", () => {
  const x: tf.Tensor4D = wave([1, 4, 4, 2], 1, 0), kernel: tf.Tensor4D = wave([3, 3, 3, 2], 1, 1);
  const geometry = { kind: "conv", stride: 1, padding: "same" } as const;
  const run = () => fusedConvolution(x, kernel, geometry, { bias: tf.zeros([2]) });
  assertThrows(run, Error);
  const traced = jit(run);
  assertThrows(() => traced(), Error);
});

function plain(x: tf.Tensor4D, kernel: tf.Tensor4D, { kind, stride, padding }: Geometry) {
  if (kind === "depthwise") return tf.depthwiseConv2d(x, kernel, stride, "same");
  if (padding === "same") return tf.conv2d(x, kernel, stride, "same");
  return paddedConv2d(x, kernel, { stride, groups: x.shape[3] / kernel.shape[2] });
}
