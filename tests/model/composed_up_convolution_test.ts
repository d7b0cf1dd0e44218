import { composedUpConvolution, UpConv2D } from "@/model/layers/mod.ts";
import { Weights } from "@/model/mod.ts";
import { jit, tf } from "@/tensorflow/mod.ts";
import { assertClose, wave } from "../tensorflow/assert_close.ts";

/** Batch, height, width, and the channels of each path before and after it is doubled. */
const CASES: { shape: [number, number, number]; paths: [number, number][]; filters: number }[] = [
  { shape: [1, 2, 2], paths: [[3, 2]], filters: 4 },
  { shape: [2, 5, 7], paths: [[3, 2]], filters: 1 },
  { shape: [2, 6, 3], paths: [[3, 5], [4, 2], [1, 3]], filters: 4 },
];

for (const { shape, paths: channels, filters } of CASES) {
  const text = channels.map(([input, output]) => `${input} to ${output}`).join(", ");
  Deno.test(`composedUpConvolution() is both convolutions: [${shape}], channels ${text}`, () => {
    const weights = new Weights(1);
    const paths = channels.map(([input, output], i) => {
      const up = new UpConv2D(weights, `up${i}`, { input, filters: output, kernel: 3 });
      weights.get(`up${i}/bias`).assign(wave([output], 1.7, i));
      return { x: wave<tf.Tensor4D>([...shape, input], 0.3 + i, i), up };
    });
    const all = channels.reduce((sum, [, output]) => sum + output, 0);
    const kernel: tf.Tensor4D = wave([3, 3, all, filters], 0.7, 2);
    const ups = tf.concat(paths.map(({ x, up }) => up.apply(x)), -1) as tf.Tensor4D;
    const expected = tf.conv2d(ups, kernel, 1, "same");
    const run = () => {
      const { y, bias } = composedUpConvolution(paths, kernel);
      return tf.add(y, bias);
    };
    assertClose(run(), expected, 1e-5, "eager");
    for (const freeze of [false, true]) {
      const traced = jit(run, { freeze });
      assertClose(traced(), expected, 1e-5, `traced, freeze ${freeze}`);
      traced.dispose();
    }
    weights.dispose();
  });
}
