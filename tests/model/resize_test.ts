import { jit, tf } from "@/tensorflow/mod.ts";
import { resizeBilinear } from "@/model/layers/mod.ts";
import { assertClose, finiteDifferences, wave } from "../tensorflow/assert_close.ts";

Deno.test("resizeBilinear() interpolates between the centres of pixels", () => {
  // Worked by hand: twice as wide, a new pixel's centre lies a quarter of an old pixel from an old
  // one's; at the border the outermost pixel goes on.
  const cases: [old: number[], width: number, expected: number[]][] = [
    [[0, 4], 4, [0, 1, 3, 4]],
    [[0, 8, 0], 6, [0, 2, 6, 6, 2, 0]],
    [[0, 8], 8, [0, 0, 1, 3, 5, 7, 8, 8]],
    [[3], 5, [3, 3, 3, 3, 3]],
    [[1, 2, 3], 3, [1, 2, 3]],
  ];
  for (const [old, width, expected] of cases) {
    tf.tidy(() => {
      const row = tf.tensor4d(old, [1, 1, old.length, 1]);
      assertClose(resizeBilinear(row, 1, width), expected, 1e-6, `${old} wide`);
      const column = tf.tensor4d(old, [1, old.length, 1, 1]);
      assertClose(resizeBilinear(column, width, 1), expected, 1e-6, `${old} high`);
    });
  }
});

Deno.test("resizeBilinear() has the gradient of finite differences, eager and traced", () => {
  tf.tidy(() => {
    const x = wave([2, 2, 3, 2], 0.7, 0.1);
    const weighted = (x: tf.Tensor) => {
      const y = resizeBilinear(x as tf.Tensor4D, 5, 6);
      return tf.sum(tf.mul(y, wave(y.shape, 0.7, 0.9)));
    };
    const [expected] = finiteDifferences((x) => weighted(x!), [x]);
    const gradient = tf.grad(weighted);
    const jitted = jit(gradient);
    for (const computed of [gradient(x), jitted(x)]) assertClose(computed, expected!, 5e-3);
    jitted.dispose();
  });
});
