import { assert, assertEquals, assertThrows } from "@std/assert";
import { createModel, type Forward, INFERENCE, type ModelOptions, Weights } from "@/model/mod.ts";
import { createNormalization, GroupNorm, type NormalizationName } from "@/model/layers/mod.ts";
import { jit, StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { assertClose, finiteDifferences, memory, wave } from "../tensorflow/assert_close.ts";

const training = (): Forward => {
  return { training: true, random: new StatelessRandom(tf.tensor1d([1, 2], "int32")) };
};

const line = (from: number, to: number) =>
  tf.tensor1d(Array.from({ length: 6 }, (_, i) => from + (to - from) * i / 5));

/** `sin(0.9 i + 0.3)`, of two images of 2 x 2 pixels with six channels. */
const input = () => wave<tf.Tensor4D>([2, 2, 2, 6], 0.9, 0.3);

/**
 * `keras.layers.GroupNormalization` of Keras 3.15 with gamma from 0.5 to 1.5 and beta from -0.2 to 0.3:
 * the first twelve numbers of the output, and the gradients of `sum(output cos(0.7 i))`.
 */
const KERAS: { groups: number; output: number[]; x: number[]; gamma: number[]; beta: number[] }[] =
  [{
    groups: 1,
    output: [
      -0.053698,
      0.734318,
      0.985175,
      0.181913,
      -1.225566,
      -1.998445,
      -0.65146,
      0.120667,
      1.080274,
      1.290722,
      0.266198,
      -1.370544,
    ],
    x: [
      0.786574,
      0.718788,
      0.19124,
      -0.675834,
      -1.46841,
      -1.66536,
      -0.109567,
      0.26166,
      0.947435,
      1.530584,
      1.496478,
      0.589393,
    ],
    gamma: [0.77318, 1.549248, 1.545131, 0.932646, 0.992424, 1.407426],
    beta: [0.548641, 0.979843, 0.95021, 0.473678, -0.225632, -0.818824],
  }, {
    groups: 2,
    output: [
      0.044528,
      0.866854,
      1.156272,
      -0.045662,
      -1.57357,
      -2.433926,
      -0.548507,
      0.258058,
      1.250618,
      1.120723,
      -0.004344,
      -1.77342,
    ],
    x: [
      0.479969,
      0.372597,
      -0.146439,
      -0.405968,
      -1.148715,
      -1.32204,
      -0.355742,
      -0.041803,
      0.59906,
      1.836705,
      1.880975,
      1.017272,
    ],
    gamma: [1.163331, 1.628438, 1.271675, 1.609694, 1.656385, 1.832501],
    beta: [0.548641, 0.979843, 0.95021, 0.473678, -0.225632, -0.818824],
  }, {
    groups: 3,
    output: [
      0.235593,
      1.183248,
      0.699858,
      -0.682669,
      -1.129377,
      -1.866523,
      -0.403879,
      0.52678,
      0.838672,
      0.935849,
      0.314604,
      -1.258735,
    ],
    x: [
      0.351888,
      0.171719,
      0.085721,
      -0.723315,
      -1.141124,
      -1.350187,
      -0.463663,
      -0.212362,
      1.142237,
      2.046194,
      1.777311,
      0.850042,
    ],
    gamma: [1.849472, 2.043521, 2.32121, 2.128916, 1.178828, 1.434956],
    beta: [0.548641, 0.979843, 0.95021, 0.473678, -0.225632, -0.818824],
  }, {
    groups: 6,
    output: [
      0.6156,
      0.842302,
      0.711476,
      -1.293431,
      -1.768469,
      -1.390841,
      -0.262589,
      0.259617,
      0.826749,
      1.020979,
      -0.162662,
      -0.771014,
    ],
    x: [
      0.029051,
      0.290544,
      -0.024558,
      0.126394,
      -1.059938,
      -1.506916,
      -0.707913,
      -0.096428,
      0.871893,
      2.769937,
      2.016741,
      0.783829,
    ],
    gamma: [3.34176, 1.59513, 1.771561, 3.760032, 2.204193, 0.978893],
    beta: [0.548641, 0.979843, 0.95021, 0.473678, -0.225632, -0.818824],
  }];

for (const { groups, ...expected } of KERAS) {
  Deno.test(`GroupNorm of ${groups} groups equals Keras's, and so do its gradients`, () => {
    const before = memory();
    const weights = new Weights(0);
    const norm = new GroupNorm(weights, "norm", 6, groups);
    const [gamma, beta] = [weights.get("norm/gamma"), weights.get("norm/beta")];
    tf.tidy(() => {
      gamma.assign(line(0.5, 1.5));
      beta.assign(line(-0.2, 0.3));
      const x = input();
      const factors = wave<tf.Tensor4D>([2, 2, 2, 6], 0.7, Math.PI / 2);
      const apply = (x: tf.Tensor4D) => norm.apply(x, training());
      const gradients = (x: tf.Tensor4D, factors: tf.Tensor4D) => {
        const sum = (x: tf.Tensor) =>
          tf.sum(tf.mul(norm.apply(x as tf.Tensor4D, INFERENCE), factors));
        const { grads } = tf.variableGrads(() => sum(x) as tf.Scalar, [gamma, beta]);
        return [tf.grad(sum)(x), grads[gamma.name]!, grads[beta.name]!];
      };
      const [tracedApply, tracedGradients] = [jit(apply), jit(gradients)];
      for (const run of [apply, tracedApply]) {
        assertClose(run(x).dataSync().slice(0, 12), expected.output, 2e-6, "output");
      }
      for (const run of [gradients, tracedGradients]) {
        const [dx, dgamma, dbeta] = run(x, factors);
        assertClose(dx!.dataSync().slice(0, 12), expected.x, 1e-5, "x");
        assertClose(dgamma!, expected.gamma, 1e-5, "gamma");
        assertClose(dbeta!, expected.beta, 1e-5, "beta");
      }
      tracedApply.dispose();
      tracedGradients.dispose();
    });
    weights.dispose();
    assertEquals(memory(), before);
  });
}

Deno.test("GroupNorm has the gradients of finite differences", () => {
  tf.tidy(() => {
    const weights = new Weights(0);
    const norm = new GroupNorm(weights, "norm", 6, 2);
    const factors = wave<tf.Tensor4D>([1, 2, 2, 6], 0.7, 0.2);
    const x = wave<tf.Tensor4D>([1, 2, 2, 6], 0.9, 0.3);
    const sum = (x: tf.Tensor) => tf.sum(tf.mul(norm.apply(x as tf.Tensor4D, INFERENCE), factors));
    assertClose(tf.grad(sum)(x), finiteDifferences(sum, [x])[0]!, 2e-3);
    weights.dispose();
  });
});

Deno.test("GroupNorm normalises each group of each image, whatever the batch and the mode", () => {
  tf.tidy(() => {
    const weights = new Weights(0);
    const norm = new GroupNorm(weights, "norm", 6, 3);
    const x = input();
    const y = norm.apply(x, INFERENCE);
    assertClose(norm.apply(x, training()), y, 0);
    const groups = tf.reshape(y, [2, 2, 2, 3, 2]);
    const { mean, variance } = tf.moments(groups, [1, 2, 4]);
    assertClose(mean, [0, 0, 0, 0, 0, 0], 1e-6);
    assertClose(variance, [1, 1, 1, 1, 1, 1], 5e-3); // epsilon is 1e-3
    const second = tf.slice(x, [1, 0, 0, 0], [1, 2, 2, 6]);
    assertClose(norm.apply(second, INFERENCE), tf.slice(y, [1, 0, 0, 0], [1, 2, 2, 6]), 1e-6);
    weights.dispose();
  });
});

Deno.test("GroupNorm takes as many groups as divide the channels, of at least four each", () => {
  const weights = new Weights(0);
  const groups = (channels: number) => new GroupNorm(weights, `c${channels}`, channels).groups;
  const channels = [1, 3, 8, 16, 24, 64, 112, 256, 1024];
  assertEquals(channels.map(groups), [1, 1, 2, 4, 6, 16, 28, 32, 32]);
  for (const groups of [0, 4, 2.5]) {
    assertThrows(() => new GroupNorm(weights, "bad", 6, groups), RangeError, `channels: ${groups}`);
  }
  weights.dispose();
});

Deno.test("createNormalization() frozen-batch keeps statistics and scale in training", () => {
  const weights = new Weights(0);
  const norm = createNormalization(weights, "norm", 1, {
    normalization: "frozen-batch",
    batchNormMomentum: 0.5,
  });
  tf.tidy(() => {
    weights.get("norm/moving_mean").assign(tf.tensor1d([2]));
    weights.get("norm/moving_variance").assign(tf.tensor1d([4 - 1e-3]));
    weights.get("norm/gamma").assign(tf.tensor1d([10]));
    weights.get("norm/beta").assign(tf.tensor1d([1]));
    const x = tf.tensor4d([1, 2, 3, 6], [1, 2, 2, 1]);
    for (const forward of [INFERENCE, training()]) {
      assertClose(norm.apply(x, forward), [-4, 1, 6, 21], 1e-5);
    }
    assertClose(tf.grad((x) => norm.apply(x as tf.Tensor4D, training()))(x), [5, 5, 5, 5], 1e-5);
    assertClose(weights.get("norm/moving_mean"), [2], 0);
  });
  assertEquals(weights.trainable, []);
  assertEquals(weights.all.length, 4);
  weights.dispose();
});

const B0: ModelOptions = {
  architecture: "simplified-unet++",
  encoder: "efficientnet-b0",
  startFilters: 2,
};

Deno.test("createModel() with each normalization has the weights that go with it", () => {
  const shapes = (normalization: NormalizationName) => {
    const model = createModel({ ...B0, normalization });
    const { all, trainable } = model.weights;
    const names = all.map(({ name, variable }) => `${name} ${variable.shape}`);
    model.dispose();
    return { names, trainable: trainable.map(({ name }) => name) };
  };
  const [batch, frozen, group] = [shapes("batch"), shapes("frozen-batch"), shapes("group")];
  // A frozen model takes the weights of its parent.
  assertEquals(frozen.names, batch.names);
  const isNorm = (name: string) => /\/(gamma|beta)$/.test(name);
  assertEquals(frozen.trainable, batch.trainable.filter((name) => !isNorm(name)));
  // Groups have no statistics; the encoder keeps its own.
  assertEquals(group.trainable, batch.trainable);
  const isDecoderStatistic = (name: string) => /^(middle|u\d).*\/moving_/.test(name);
  assertEquals(group.names, batch.names.filter((name) => !isDecoderStatistic(name)));
  assert(batch.names.some(isDecoderStatistic));
  assertThrows(
    () => createModel({ ...B0, normalization: "layer" as NormalizationName }),
    RangeError,
    "normalization must be one of batch, frozen-batch, group: layer",
  );
});

Deno.test("createModel() frozen keeps all of its normalization in a training pass, group learns", () => {
  for (const normalization of ["frozen-batch", "group"] as const) {
    const model = createModel({ ...B0, normalization, dropout: 0, dropConnect: 0 });
    tf.tidy(() => {
      const images = wave<tf.Tensor4D>([2, 32, 32, 3], 0.37, 0);
      const statistics = model.weights.all.filter(({ name }) => name.includes("/moving_"));
      const before = statistics.map(({ variable }) => variable.dataSync().join());
      const logits = model.apply(images, training());
      assert(logits.dataSync().every(Number.isFinite));
      const after = statistics.map(({ variable }) => variable.dataSync().join());
      if (normalization === "frozen-batch") {
        assertEquals(after, before);
      } else {
        assert(after.every((values, i) => values !== before[i]));
        const gammas = model.weights.trainable.filter(({ name }) => name.endsWith("bn1/gamma"))
          .map(({ variable }) => variable);
        const loss = () => tf.mean(tf.square(model.apply(images, training()))) as tf.Scalar;
        const { grads } = tf.variableGrads(loss, gammas);
        for (const gradient of Object.values(grads)) {
          assert(gradient.dataSync().some((value) => value !== 0 && Number.isFinite(value)));
        }
      }
    });
    model.dispose();
  }
});
