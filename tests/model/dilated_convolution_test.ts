import { assertEquals, assertThrows } from "@std/assert";
import { jit, tf } from "@/tensorflow/mod.ts";
import { dilatedConv2d } from "@/model/layers/mod.ts";
import { assertClose, finiteDifferences, wave } from "../tensorflow/assert_close.ts";

Deno.test("dilatedConv2d() looks at pixels that lie the dilation apart", () => {
  // 1 and 100 are the weights of the left and the right neighbour, two pixels away.
  const cases: [dilation: number, expected: number[]][] = [
    [1, [200, 301, 402, 503, 4]],
    [2, [300, 400, 501, 2, 3]],
    [3, [400, 500, 0, 1, 2]],
    [5, [0, 0, 0, 0, 0]],
  ];
  for (const [dilation, expected] of cases) {
    tf.tidy(() => {
      const x = tf.tensor4d([1, 2, 3, 4, 5], [1, 1, 5, 1]);
      const kernel = tf.tensor4d([1, 0, 100], [1, 3, 1, 1]);
      assertClose(dilatedConv2d(x, kernel, dilation), expected, 0, `dilation ${dilation}`);
    });
  }
});

Deno.test("dilatedConv2d() is a convolution with zeros between the kernel's weights", () => {
  for (const [height, width, dilation] of [[8, 8, 2], [7, 5, 3], [4, 6, 6], [3, 3, 12]] as const) {
    tf.tidy(() => {
      const x = wave<tf.Tensor4D>([2, height, width, 2], 0.7, 0.1);
      const kernel = wave<tf.Tensor4D>([3, 3, 2, 3], 1.3, 0.2);
      const size = 2 * dilation + 1;
      const wide = tf.buffer([size, size, 2, 3]);
      const values = kernel.arraySync();
      for (const [row, line] of values.entries()) {
        for (const [column, weights] of line.entries()) {
          for (const [i, filters] of weights.entries()) {
            for (const [j, weight] of filters.entries()) {
              wide.set(weight, row * dilation, column * dilation, i, j);
            }
          }
        }
      }
      const expected = tf.conv2d(x, wide.toTensor() as tf.Tensor4D, 1, "same");
      const y = dilatedConv2d(x, kernel, dilation);
      assertEquals(y.shape, expected.shape);
      assertClose(y, expected, 1e-5);
    });
  }
});

Deno.test("dilatedConv2d() has the gradients of finite differences, eager and traced", () => {
  for (const [height, width, dilation] of [[4, 4, 2], [3, 5, 3]] as const) {
    tf.tidy(() => {
      const inputs = [wave([1, height, width, 2], 0.7, 0.1), wave([3, 3, 2, 2], 1.3, 0.2)];
      const weighted = (x: tf.Tensor, kernel: tf.Tensor) => {
        const y = dilatedConv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, dilation);
        return tf.sum(tf.mul(y, wave(y.shape, 0.7, 0.9)));
      };
      const differences = finiteDifferences(
        (...[x, kernel]) => weighted(x!, kernel!),
        inputs,
      );
      const gradient = tf.grads(weighted);
      const jitted = jit((...xs: tf.Tensor[]) => gradient(xs));
      for (const computed of [gradient(inputs), jitted(...inputs)]) {
        for (const [i, numbers] of differences.entries()) {
          assertClose(computed[i]!, numbers, 5e-3, `input ${i}`);
        }
      }
      jitted.dispose();
    });
  }
});

Deno.test("dilatedConv2d() refuses even kernels and dilations that are no positive integers", () => {
  const x = tf.zeros([1, 4, 4, 1]) as tf.Tensor4D;
  const kernel = (size: number) => tf.zeros([size, size, 1, 1]) as tf.Tensor4D;
  assertThrows(() => dilatedConv2d(x, kernel(2), 2), RangeError, "must be odd: 2 x 2");
  for (const dilation of [0, -1, 1.5, NaN]) {
    assertThrows(
      () => dilatedConv2d(x, kernel(3), dilation),
      RangeError,
      `the dilation must be a positive integer: ${dilation}`,
    );
  }
});
