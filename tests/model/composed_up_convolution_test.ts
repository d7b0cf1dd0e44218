import { composedUpConvolution, UpConv2D, UpPath } from "@/model/layers/mod.ts";
import { Weights } from "@/model/mod.ts";
import { jit, tf } from "@/tensorflow/mod.ts";
import { assertClose, wave } from "../tensorflow/assert_close.ts";

/** Batch, height and width of the result, and of each path the channels before and after each doubling. */
const CASES: { shape: [number, number, number]; paths: number[][]; filters: number }[] = [
  { shape: [1, 4, 4], paths: [[3, 2]], filters: 4 },
  { shape: [2, 10, 14], paths: [[3, 2]], filters: 1 },
  { shape: [2, 12, 6], paths: [[3, 5], [4, 2], [1, 3]], filters: 4 },
  { shape: [1, 4, 4], paths: [[3, 2, 4]], filters: 2 },
  { shape: [2, 16, 28], paths: [[3, 2, 2]], filters: 1 },
  { shape: [2, 20, 12], paths: [[2, 3], [3, 5, 4], [4, 2, 1]], filters: 3 },
  { shape: [1, 32, 8], paths: [[2, 3, 2, 3], [3, 2]], filters: 2 },
];

for (const { shape: [batch, height, width], paths: channels, filters } of CASES) {
  const text = channels.map((path) => path.join(" to ")).join(", ");
  Deno.test(`composedUpConvolution() is all convolutions: ${height} x ${width}, channels ${text}`, () => {
    const weights = new Weights(1);
    const paths = channels.map(([input, ...outputs], i) => {
      const scale = 2 ** outputs.length;
      const x = wave<tf.Tensor4D>([batch, height / scale, width / scale, input!], 0.3 + i, i);
      let [path, last] = [UpPath.from(x), input!];
      for (const [j, output] of outputs.entries()) {
        const name = `up${i}_${j}`;
        path = path.up(new UpConv2D(weights, name, { input: last, filters: output, kernel: 3 }));
        weights.get(`${name}/bias`).assign(wave([output], 1.7, i + j));
        last = output;
      }
      return path;
    });
    const all = channels.reduce((sum, path) => sum + path.at(-1)!, 0);
    const kernel: tf.Tensor4D = wave([3, 3, all, filters], 0.7, 2);
    const ends = tf.concat(paths.map((path) => path.map()), -1) as tf.Tensor4D;
    const expected = tf.conv2d(ends, kernel, 1, "same");
    const run = () => composedUpConvolution(paths, kernel);
    assertClose(run(), expected, 1e-5, "eager");
    for (const freeze of [false, true]) {
      const traced = jit(run, { freeze });
      assertClose(traced(), expected, 1e-5, `traced, freeze ${freeze}`);
      traced.dispose();
    }
    weights.dispose();
  });
}
