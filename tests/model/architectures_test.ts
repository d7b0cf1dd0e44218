import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type ArchitectureName,
  ARCHITECTURES,
  combineOutputs,
  createModel,
  type Encoder,
  INFERENCE,
  type ModelOptions,
  Weights,
} from "@/model/mod.ts";
import { BUILDERS } from "@/model/architectures.ts";
import { Conv2D } from "@/model/layers/mod.ts";
import { describeFields } from "@/experiments/mod.ts";
import { StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { assertClose } from "../tensorflow/assert_close.ts";
import { assertConsistent, images, testArchitecture } from "./architecture_contract.ts";

const SMALL = { encoder: "efficientnet-b0", startFilters: 4 } as const;

for (const architecture of ARCHITECTURES) {
  testArchitecture({ name: architecture, options: { ...SMALL, architecture } });
}
testArchitecture({
  name: "unet++ with deep supervision",
  options: { ...SMALL, architecture: "unet++", deepSupervision: true },
  outputs: 4,
});

Deno.test("ARCHITECTURES are those that an experiment may name", () => {
  const field = describeFields().find(({ path }) => path === "model.architecture");
  assertEquals(field?.allowed, `one of ${ARCHITECTURES.join(", ")}`);
});

Deno.test("the classical U-Net has the paper's layers and as many weights", () => {
  const model = createModel({ ...SMALL, architecture: "unet", startFilters: 64 });
  const channels = [64, 128, 256, 512, 1024];
  assertEquals(model.encoder.features.map((feature) => feature.channels), channels);
  assertEquals(model.encoder.features.map(({ stride }) => stride), [1, 2, 4, 8, 16]);
  // Two 3 x 3 convolutions, each with BatchNorm's four numbers a channel.
  const block = (input: number, filters: number) => 9 * (input + filters) * filters + 8 * filters;
  let expected = block(3, 64) + 64 + 1;
  for (const filters of channels.slice(0, -1)) {
    const up = 2 * 2 * 2 * filters * filters + filters;
    expected += block(filters, 2 * filters) + up + block(2 * filters, filters);
  }
  assertEquals(model.weights.parameterCount, expected);
  assertEquals(expected, 31_049_409);
  model.dispose();
});

Deno.test("U-Net++ has the paper's nodes", () => {
  const { graph, dispose } = createModel({ ...SMALL, architecture: "unet++" });
  const names = graph.nodes.map(({ name }) => name).filter((name) => name.startsWith("x_")).sort();
  const expected = [0, 1, 2, 3, 4].flatMap((depth) =>
    Array.from({ length: 5 - depth }, (_, layer) => `x_${depth}_${layer}`)
  );
  assertEquals(names, expected);
  const into = (node: string) =>
    graph.edges.filter(({ to }) => to === node).map(({ from, kind }) => `${kind} ${from}`).sort();
  assertEquals(into("x_0_4"), ["skip x_0_0", "skip x_0_1", "skip x_0_2", "skip x_0_3", "up x_1_3"]);
  assertEquals(into("x_2_1"), ["skip x_2_0", "up x_3_0"]);
  assertEquals(into("x_4_0"), ["down x_3_0"]);
  dispose();
});

Deno.test("U-Net++ with deep supervision predicts the mean of its outputs", () => {
  const model = createModel({ ...SMALL, architecture: "unet++", deepSupervision: true });
  tf.tidy(() => {
    const x = images(1, 32, 32, 3);
    const outputs = model.outputs(x, INFERENCE).map((output) => output.dataSync());
    const mean = outputs[0]!.map((_, i) =>
      outputs.reduce((sum, output) => sum + output[i]!, 0) / outputs.length
    );
    assertClose(model.apply(x, INFERENCE), mean, 1e-5);
    for (const output of outputs.slice(1)) assert(output.some((v, i) => v !== outputs[0]![i]));
  });
  model.dispose();
});

Deno.test("combineOutputs() is the mean, and of one output the output itself", () => {
  tf.tidy(() => {
    const [a, b] = [[1, -2], [4, 0]].map((values) => tf.tensor4d(values, [1, 1, 2, 1]));
    assertClose(combineOutputs([a!, b!]), [2.5, -1], 0);
    assertEquals(combineOutputs([a!]), a);
  });
});

Deno.test("createModel() gives deep supervision to U-Net++ alone", () => {
  for (const architecture of ARCHITECTURES) {
    if (architecture === "unet++") continue;
    assertThrows(
      () => createModel({ ...SMALL, architecture, deepSupervision: true }),
      RangeError,
      `deepSupervision must be false for ${architecture}: only unet++ has it: true`,
    );
  }
});

/** An encoder of one convolution a stride. */
function plainEncoder(weights: Weights, strides: number[]): Encoder {
  const convs = strides.map((stride, i) =>
    new Conv2D(weights, `plain_${stride}`, {
      input: i === 0 ? 3 : strides[i - 1]! + 1,
      filters: stride + 1,
      kernel: 3,
      stride: 2,
    })
  );
  return {
    name: "plain",
    features: strides.map((stride) => ({ stride, channels: stride + 1, name: `plain_${stride}` })),
    apply(x) {
      return convs.map((conv) => x = tf.relu(conv.apply(x)));
    },
  };
}

const OPTIONS = {
  startFilters: 2,
  dropout: 0,
  prior: 0.01,
  batchNormMomentum: 0.9,
  deepSupervision: false,
};
const onEncoders = Object.entries(BUILDERS).filter(([, { encoder }]) => encoder === undefined);

for (const [name, { decoder: build }] of onEncoders) {
  for (const strides of [[2, 4, 8, 16], [2, 4, 8, 16, 32]]) {
    Deno.test(`${name} uses all maps of an encoder of strides ${strides.join(", ")}`, () => {
      const weights = new Weights(0);
      const encoder = plainEncoder(weights, strides);
      const decoder = build(weights, encoder, OPTIONS);
      assertConsistent(decoder.graph);
      tf.tidy(() => {
        const x = images(2, 64, 32, 3);
        const random = new StatelessRandom(tf.tensor1d([1, 2], "int32"));
        const variables = weights.trainable.map(({ variable }) => variable);
        const { grads } = tf.variableGrads(() => {
          const [logits] = decoder.outputs(encoder.apply(x, INFERENCE), { training: true, random });
          assertEquals(logits!.shape, [2, 64, 32, 1]);
          return tf.mean(tf.square(tf.sub(logits!, 1))) as tf.Scalar;
        }, variables);
        for (const { name, variable } of weights.trainable) {
          assert(grads[variable.name], `no gradient of ${name}`);
        }
      });
      weights.dispose();
    });
  }
}

Deno.test("decoders refuse an encoder without the maps that they need", () => {
  const missing: Record<Exclude<ArchitectureName, "unet">, number[]> = {
    "encoder-unet": [2, 4, 8, 16],
    "unet++": [2, 4, 8, 16],
    "simplified-unet++": [2, 4, 8, 16],
    "deeplabv3+": [4, 16],
  };
  for (const [name, strides] of Object.entries(missing)) {
    for (const stride of strides) {
      const weights = new Weights(0);
      const encoder = plainEncoder(weights, [2, 4, 8, 16]);
      const features = encoder.features.filter((feature) => feature.stride !== stride);
      assertThrows(
        () =>
          BUILDERS[name as ArchitectureName].decoder(weights, { ...encoder, features }, OPTIONS),
        RangeError,
        `as the encoder plain has no feature map of stride ${stride}`,
      );
      weights.dispose();
    }
  }
});

Deno.test("dropout changes what training sees, in every architecture", () => {
  for (const architecture of ARCHITECTURES) {
    const options: ModelOptions = { ...SMALL, architecture, dropConnect: 0 };
    const model = createModel(options);
    tf.tidy(() => {
      const x = images(2, 32, 32, 3);
      const [a, b] = [1, 2].map((seed) => {
        const random = new StatelessRandom(tf.tensor1d([seed, seed], "int32"));
        return model.apply(x, { training: true, random }).dataSync();
      });
      assert(a!.some((value, i) => value !== b![i]), architecture);
    });
    model.dispose();
  }
});

for (const architecture of ARCHITECTURES) {
  Deno.test(`${architecture} starts from its prior: the logits shift by the prior's logit`, () => {
    const logitsWith = (prior: number) => {
      const model = createModel({
        architecture,
        encoder: "efficientnet-b0",
        startFilters: 2,
        prior,
        deepSupervision: architecture === "unet++",
      });
      const values = tf.tidy(() => {
        const images = tf.randomNormal([1, 32, 64, 3], 0, 1, "float32", 5) as tf.Tensor4D;
        return model.apply(images, INFERENCE).dataSync();
      });
      model.dispose();
      return values;
    };
    const shift = Math.log(0.02 / 0.98);
    assertClose(logitsWith(0.02), [...logitsWith(0.5)].map((logit) => logit + shift), 1e-4);
  });
}

Deno.test("createModel() refuses a prior that is no probability between 0 and 1", () => {
  for (const prior of [0, 1, -0.1, NaN]) {
    assertThrows(
      () => createModel({ architecture: "unet", encoder: "efficientnet-b0", prior }),
      RangeError,
      `prior must be in (0, 1): ${prior}`,
    );
  }
});
