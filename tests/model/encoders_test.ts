import {
  assert,
  assertEquals,
  assertGreater,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { describeFields } from "@/experiments/mod.ts";
import {
  createEncoder,
  createModel,
  type EncoderName,
  ENCODERS,
  type Forward,
  INFERENCE,
  type ResNetName,
  RESNETS,
  Weights,
} from "@/model/mod.ts";
import { BatchNorm, Conv2D, paddedConv2d } from "@/model/layers/mod.ts";
import { jit, StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { assertClose, finiteDifferences, memory, wave } from "../tensorflow/assert_close.ts";

const OPTIONS = { batchNormMomentum: 0.9, dropConnect: 0.2 };
const images = (...shape: number[]) => wave<tf.Tensor4D>(shape, 0.13, 0.4);

/**
 * Trainable parameters of the published networks, less those of the fourth stage and the classifier, by
 * hand: torchvision's resnet34 has 21,797,672 in all, its resnet50 25,557,032, timm's seresnext50_32x4d
 * 27,559,896.
 */
const PARAMETERS: Record<ResNetName, number> = {
  "resnet34": 21_797_672 - 13_114_368 - 513_000,
  "resnet50": 25_557_032 - 14_964_736 - 2_049_000,
  "resnet50-v1": 25_557_032 - 14_964_736 - 2_049_000,
  "seresnext50-32x4d": 27_559_896 - 16_124_288 - 2_049_000,
};

Deno.test("createEncoder() builds residual networks of the published size, with the maps they promise", () => {
  const before = memory();
  for (const name of RESNETS) {
    const weights = new Weights(0);
    const encoder = createEncoder(weights, name, OPTIONS);
    assertEquals(encoder.name, name);
    const parameters = weights.trainable.reduce((sum, { variable }) => sum + variable.size, 0);
    assertEquals(parameters, PARAMETERS[name], name);
    const wide = name === "resnet34" ? 1 : 4;
    assertEquals(encoder.features, [
      { stride: 2, channels: 64, name: "conv1_relu" },
      { stride: 4, channels: 64 * wide, name: "conv2_block3_out" },
      { stride: 8, channels: 128 * wide, name: "conv3_block4_out" },
      { stride: 16, channels: 256 * wide, name: "conv4_block6_out" },
    ]);
    tf.tidy(() => {
      const maps = encoder.apply(images(2, 64, 32, 3), INFERENCE);
      for (const [i, { stride, channels }] of encoder.features.entries()) {
        assertEquals(maps[i]!.shape, [2, 64 / stride, 32 / stride, channels]);
        const least = tf.min(maps[i]!).dataSync()[0]!;
        assert(least >= 0, `${name}: behind ReLU, ${least}`);
      }
    });
    weights.dispose();
  }
  assertEquals(memory(), before);
});

Deno.test("createEncoder() refuses an unknown name", () => {
  const weights = new Weights(0);
  assertThrows(
    () => createEncoder(weights, "resnet18" as EncoderName, OPTIONS),
    RangeError,
    "the encoder must be one of efficientnet-b0,",
  );
});

Deno.test("ENCODERS are those that an experiment's file may name", () => {
  const field = describeFields().find(({ path }) => path === "model.encoder");
  assertEquals(field?.allowed, `one of ${ENCODERS.join(", ")}`);
});

Deno.test("every weight of a model with a residual encoder gets a gradient, and nothing leaks", () => {
  const before = memory();
  for (const encoder of ["resnet34", "seresnext50-32x4d"] as const) {
    const model = createModel({ architecture: "simplified-unet++", encoder, startFilters: 2 });
    const key = tf.tensor1d([1, 2], "int32");
    const x = images(2, 64, 64, 3);
    const variables = model.weights.trainable.map(({ variable }) => variable);
    const { value, grads } = tf.variableGrads(() => {
      const forward: Forward = { training: true, random: new StatelessRandom(key) };
      return tf.mean(tf.softplus(model.apply(x, forward))) as tf.Scalar;
    }, variables);
    assert(Number.isFinite(value.dataSync()[0]!));
    for (const { name, variable } of model.weights.trainable) {
      const gradient = grads[variable.name]!.dataSync();
      assert(gradient.every(Number.isFinite), `${encoder}: ${name}`);
      if (/^conv.*_conv\/kernel$/.test(name)) {
        assertGreater(gradient.filter((number) => number !== 0).length, 0, `${encoder}: ${name}`);
      }
    }
    tf.dispose([value, grads, key, x]);
    model.dispose();
  }
  assertEquals(memory(), before);
});

/** Groups convolved one by one, padded by hand. */
function groupByGroup(x: tf.Tensor4D, kernel: tf.Tensor4D, stride: number, groups: number) {
  const pad = (kernel.shape[0] - 1) / 2;
  const padded = tf.pad(x, [[0, 0], [pad, pad], [pad, pad], [0, 0]]);
  const split = (t: tf.Tensor) => tf.split(t, groups, 3) as tf.Tensor4D[];
  const kernels = split(kernel);
  return tf.concat(
    split(padded).map((part, g) => tf.conv2d(part, kernels[g]!, stride, "valid")),
    3,
  );
}

const CONVOLUTIONS = [
  { size: 3, stride: 1, groups: 1 },
  { size: 3, stride: 2, groups: 1 },
  { size: 5, stride: 2, groups: 2 },
  { size: 3, stride: 1, groups: 4 },
  { size: 1, stride: 2, groups: 2 },
];

for (const { size, stride, groups } of CONVOLUTIONS) {
  Deno.test(`paddedConv2d() of size ${size}, stride ${stride}, ${groups} groups is right, and so are its gradients`, () => {
    tf.tidy(() => {
      const x = wave<tf.Tensor4D>([2, 6, 5, 4], 0.7, 0.1);
      const kernel = wave<tf.Tensor4D>([size, size, 4 / groups, 8], 1.3, 0.5);
      const convolve = (x: tf.Tensor, kernel: tf.Tensor) =>
        paddedConv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, { stride, groups });
      const y = convolve(x, kernel);
      assertClose(y, groupByGroup(x, kernel, stride, groups), 1e-5);
      // A weighted sum, so that each output has a gradient of its own.
      const weigh = wave(y.shape, 0.9, 0.2);
      const sum = (x: tf.Tensor, kernel: tf.Tensor) => tf.sum(tf.mul(convolve(x, kernel), weigh));
      const gradients = tf.grads(sum)([x, kernel]);
      const expected = finiteDifferences(sum, [x, kernel]);
      for (const [i, gradient] of gradients.entries()) {
        assertClose(gradient, expected[i]!, 2e-2, ["x", "kernel"][i]);
      }
      const traced = jit((x: tf.Tensor4D, kernel: tf.Tensor4D) => tf.grads(sum)([x, kernel]));
      for (const [i, gradient] of traced(x, kernel).entries()) {
        assertClose(gradient, gradients[i]!, 1e-4, "traced");
      }
      traced.dispose();
    });
  });
}

Deno.test("paddedConv2d() and Conv2D refuse what does not fit", () => {
  tf.tidy(() => {
    const x = tf.zeros([1, 4, 4, 4]) as tf.Tensor4D;
    const cases: [[number, number, number, number], groups: number][] = [
      [[2, 2, 4, 4], 1],
      [[3, 1, 4, 4], 1],
      [[3, 3, 3, 4], 1],
      [[3, 3, 4, 4], 2],
      [[3, 3, 2, 3], 2],
    ];
    for (const [shape, groups] of cases) {
      const kernel = tf.zeros<tf.Rank.R4>(shape);
      const error = assertThrows(() => paddedConv2d(x, kernel, { stride: 1, groups }), RangeError);
      assertStringIncludes(error.message, `a kernel [${shape.join(", ")}] in ${groups}`);
    }
  });
  const weights = new Weights(0);
  const options = { input: 6, filters: 8, kernel: 3, padding: "symmetric" } as const;
  assertThrows(() => new Conv2D(weights, "a", { ...options, groups: 4 }), RangeError, "6 to 8");
  const same = { ...options, groups: 2, padding: "same" } as const;
  assertThrows(() => new Conv2D(weights, "a", same), RangeError, "groups need symmetric padding");
  assertEquals(weights.all, []);
});

Deno.test("BatchNorm divides by the root of its variance plus its own epsilon", () => {
  const weights = new Weights(0);
  const norms = [new BatchNorm(weights, "a", 1, 0.9), new BatchNorm(weights, "b", 1, 0.9, 3)];
  tf.tidy(() => {
    const x = tf.tensor4d([4], [1, 1, 1, 1]);
    const [a, b] = norms.map((norm) => norm.apply(x, INFERENCE));
    assertClose(a!, [4 / Math.sqrt(1.001)], 1e-5);
    assertClose(b!, [2], 1e-5);
  });
  weights.dispose();
});
