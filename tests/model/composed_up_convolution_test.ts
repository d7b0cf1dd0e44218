import { composedUpConvolution, UpConv2D, UpPaths } from "@/model/layers/mod.ts";
import { Weights } from "@/model/mod.ts";
import { jit, kernelsCompiled, tf } from "@/tensorflow/mod.ts";
import { assertClose, wave } from "../tensorflow/assert_close.ts";

/**
 * Batch, height and width of the result, and of the paths that begin at maps of one size the channels before and
 * after each doubling.
 */
const CASES: { shape: [number, number, number]; paths: number[][][]; filters: number }[] = [
  { shape: [1, 4, 4], paths: [[[3, 2]]], filters: 4 },
  { shape: [2, 10, 14], paths: [[[3, 2]]], filters: 1 },
  { shape: [2, 12, 6], paths: [[[3, 5], [4, 2], [1, 3]]], filters: 4 },
  { shape: [1, 4, 4], paths: [[[3, 2, 4]]], filters: 2 },
  { shape: [2, 16, 28], paths: [[[3, 2, 2]]], filters: 1 },
  { shape: [2, 20, 12], paths: [[[2, 3]], [[3, 5, 4], [4, 2, 1]]], filters: 3 },
  { shape: [1, 32, 8], paths: [[[2, 3, 2, 3]], [[3, 2]]], filters: 2 },
  // Large enough for Winograd's method, with sizes that fill its tiles and that do not.
  { shape: [1, 64, 64], paths: [[[130, 2]]], filters: 64 },
  { shape: [2, 88, 120], paths: [[[3, 2]], [[120, 3, 2], [10, 2, 3]]], filters: 16 },
];

for (const { shape: [batch, height, width], paths: channels, filters } of CASES) {
  const text = channels.flat().map((path) => path.join(" to ")).join(", ");
  Deno.test(`composedUpConvolution() is all convolutions: ${height} x ${width}, channels ${text}`, async () => {
    const weights = new Weights(1);
    const paths = channels.map((together, i) => {
      const scale = 2 ** (together[0]!.length - 1);
      let path = UpPaths.from(...together.map(([input], j) => {
        const shape = [batch, height / scale, width / scale, input!];
        return wave<tf.Tensor4D>(shape, 0.3 + i + j, i + 2 * j);
      }));
      for (let doubling = 1; doubling < together[0]!.length; doubling++) {
        path = path.up(...together.map((of, j) => {
          const [input, output] = [of[doubling - 1]!, of[doubling]!];
          const name = `up${i}_${j}_${doubling}`;
          const up = new UpConv2D(weights, name, { input, filters: output, kernel: 3 });
          weights.get(`${name}/bias`).assign(wave([output], 1.7, i + j + doubling));
          return up;
        }));
      }
      return path;
    });
    const all = channels.flat().reduce((sum, path) => sum + path.at(-1)!, 0);
    const kernel: tf.Tensor4D = wave([3, 3, all, filters], 0.7, 2);
    const ends = tf.concat(paths.flatMap((path) => path.ends()), -1) as tf.Tensor4D;
    const expected = tf.conv2d(ends, kernel, 1, "same");
    const largest = tf.max(tf.abs(expected)).dataSync()[0]!;
    const run = () => composedUpConvolution(paths, kernel);
    const tolerance = 1e-5 * Math.max(1, largest);
    assertClose(run(), expected, tolerance, "eager");
    for (const freeze of [false, true]) {
      const traced = jit(run, { freeze });
      assertClose(traced(), expected, tolerance, `traced, freeze ${freeze}`);
      traced.dispose();
    }
    // Maps that are no constants: with `freeze` only the kernels are.
    const maps = paths.map(({ start }) => start.maps);
    const frozen = jit((maps: tf.Tensor4D[][]) => {
      const moved = maps.map((start, i) =>
        paths[i]!.ups.reduce((path, ups) => path.up(...ups), UpPaths.from(...start))
      );
      return composedUpConvolution(moved, kernel);
    }, { freeze: true });
    assertClose(frozen(maps as tf.Tensor4D[][]), expected, tolerance, "frozen kernels");
    frozen.dispose();
    weights.dispose();
    await kernelsCompiled();
  });
}
