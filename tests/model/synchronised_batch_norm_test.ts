import { assertEquals } from "@std/assert";
import type { AcrossWorkers } from "@/model/mod.ts";
import { batchNormTraining } from "@/model/layers/kernels/mod.ts";
import { synchronisedBatchNorm } from "@/model/layers/synchronised_batch_norm.ts";
import { tf } from "@/tensorflow/mod.ts";
import { assertClose, wave } from "../tensorflow/assert_close.ts";

const EPSILON = 1e-3;
const CHANNELS = 3;

/** One process's view: means that are known are given, others are taken down and left as they are. */
function scripted(size: number, known: tf.Tensor[]): AcrossWorkers & { given: tf.Tensor[] } {
  const given: tf.Tensor[] = [];
  return {
    size,
    given,
    mean<T extends tf.Tensor>(x: T): T {
      given.push(tf.keep(x.clone()));
      return (known[given.length - 1] ?? x) as T;
    },
  };
}

interface Normalised {
  y: tf.Tensor;
  dx: tf.Tensor;
  dgamma: tf.Tensor;
  dbeta: tf.Tensor;
  mean: tf.Tensor;
  variance: tf.Tensor;
}

/** A normalization's output and statistics, and its gradients for a loss that looks at every element. */
function normalised(
  x: tf.Tensor4D,
  weights: tf.Tensor4D,
  normalise: (
    x: tf.Tensor4D,
    gamma: tf.Tensor,
    beta: tf.Tensor,
  ) => [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D],
): Normalised {
  const gamma = tf.tensor1d([1, -2, 0.5]), beta = tf.tensor1d([0, 1, 3]);
  const [y, mean, variance] = normalise(x, gamma, beta);
  const loss = (...inputs: tf.Tensor[]) => {
    const [x, gamma, beta] = inputs as [tf.Tensor4D, tf.Tensor, tf.Tensor];
    return tf.sum(tf.mul(tf.square(normalise(x, gamma, beta)[0]), weights)) as tf.Scalar;
  };
  const [dx, dgamma, dbeta] = tf.grads(loss)([x, gamma, beta]);
  return { y, dx: dx!, dgamma: dgamma!, dbeta: dbeta!, mean, variance };
}

for (const parts of [1, 2, 3]) {
  Deno.test(`synchronisedBatchNorm() of ${parts} parts is BatchNorm of the whole batch`, () => {
    tf.tidy(() => {
      const x = tf.add(wave<tf.Tensor4D>([6, 4, 5, CHANNELS], 1.7, 0), 2) as tf.Tensor4D;
      const weights = wave<tf.Tensor4D>([6, 4, 5, CHANNELS], 0.9, 1);
      const shift = tf.tensor1d([0.3, -1, 2]);
      const expected = normalised(
        x,
        weights,
        (x, gamma, beta) => batchNormTraining(x, gamma, beta, EPSILON),
      );
      const [xs, ws] = [tf.split(x, parts), tf.split(weights, parts)];
      // What each part gives to a reduction depends on what the one before it made.
      const known: tf.Tensor[] = [];
      const run = () =>
        xs.map((part, i) => {
          const across = scripted(parts, known);
          const across2 = scripted(parts, known.slice(0, 1));
          let calls = 0;
          const result = normalised(part as tf.Tensor4D, ws[i] as tf.Tensor4D, (x, gamma, beta) =>
            synchronisedBatchNorm(x, {
              gamma,
              beta,
              shift,
              epsilon: EPSILON,
              across: calls++ === 0 ? across2 : across,
            }));
          return { result, given: across.given };
        });
      let all = run();
      for (const reduction of [0, 1]) {
        assertEquals(all.map(({ given }) => given.length), xs.map(() => 2)); // forward, backward
        const means = all.map(({ given }) => given[reduction]!);
        known.push(tf.div(tf.addN(means), parts));
        all = run();
      }
      const join = (name: "y" | "dx") => tf.concat(all.map(({ result }) => result[name]));
      const add = (name: "dgamma" | "dbeta") => tf.addN(all.map(({ result }) => result[name]));
      assertClose(join("y"), expected.y.dataSync(), 1e-5);
      assertClose(join("dx"), expected.dx.dataSync(), 1e-4); // of numbers up to 22
      assertClose(add("dgamma"), expected.dgamma.dataSync(), 1e-4);
      assertClose(add("dbeta"), expected.dbeta.dataSync(), 1e-4);
      for (const { result } of all) {
        assertClose(result.mean, expected.mean.dataSync(), 1e-6);
        assertClose(result.variance, expected.variance.dataSync(), 1e-5);
      }
    });
  });
}
