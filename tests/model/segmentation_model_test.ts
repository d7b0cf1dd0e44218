import { assert, assertEquals, assertLess, assertNotEquals, assertThrows } from "@std/assert";
import { jit, StatelessRandom, tf } from "@/tensorflow/mod.ts";
import {
  createModel,
  EfficientNet,
  type EfficientNetName,
  EFFICIENTNETS,
  INFERENCE,
  type ModelOptions,
  Weights,
} from "@/model/mod.ts";
import { assertClose, memory, wave } from "../tensorflow/assert_close.ts";
import { images, lossAndGradients, valuesOf } from "./architecture_contract.ts";

const SMALL: ModelOptions = { architecture: "simplified-unet++", encoder: "efficientnet-b0" };

/** `count_params()` of Keras 3.15 for the models that keras_model.py builds at 64 pixels. */
const KERAS_PARAMETERS: Record<EfficientNetName, number> = {
  "efficientnet-b0": 7_504_841,
  "efficientnet-b1": 7_865_645,
  "efficientnet-b2": 8_284_577,
  "efficientnet-b3": 9_443_379,
  "efficientnet-b4": 11_472_361,
  "efficientnet-b5": 13_637_153,
  "efficientnet-b6": 16_746_541,
  "efficientnet-b7": 21_820_385,
};

Deno.test("createModel() has as many parameters as Keras's model, with each encoder", () => {
  const before = memory();
  for (const encoder of EFFICIENTNETS) {
    const model = createModel({ ...SMALL, encoder });
    assertEquals(model.weights.parameterCount, KERAS_PARAMETERS[encoder], encoder);
    model.dispose();
  }
  assertEquals(memory(), before);
});

Deno.test("EfficientNet.apply() gives the feature maps that it promises", () => {
  for (const name of ["efficientnet-b0", "efficientnet-b3"] as const) {
    const weights = new Weights(0);
    const encoder = new EfficientNet(weights, name, { batchNormMomentum: 0.99, dropConnect: 0.2 });
    assertEquals(encoder.features.map(({ stride }) => stride), [2, 4, 8, 16]);
    const taps = [2, 3, 4, 6].map((stage) => `block${stage}a_expand_activation`);
    assertEquals(encoder.features.map(({ name }) => name), taps);
    tf.tidy(() => {
      const features = encoder.apply(images(2, 64, 32, 3), INFERENCE);
      for (const [i, { stride, channels }] of encoder.features.entries()) {
        assertEquals(features[i]!.shape, [2, 64 / stride, 32 / stride, channels]);
      }
    });
    weights.dispose();
  }
});

Deno.test("createModel() starts from the same weights with the same seed", () => {
  const [a, b, other] = [3, 3, 4].map((seed) => {
    const model = createModel({ ...SMALL, seed });
    const values = valuesOf(model);
    model.dispose();
    return values;
  });
  assertEquals(a, b);
  assertNotEquals(a!.get("stem_conv/kernel"), other!.get("stem_conv/kernel"));
  assertNotEquals(a!.get("output/kernel"), other!.get("output/kernel"));
});

Deno.test("createModel() with more filters or other rates", () => {
  const model = createModel({ ...SMALL, startFilters: 4, dropout: 0, dropConnect: 0 });
  assertEquals(model.options.batchNormMomentum, 0.99);
  assertEquals(model.weights.get("output/kernel").shape, [1, 1, 4, 1]);
  tf.tidy(() => {
    const x = images(1, 32, 32, 3);
    assertEquals(model.apply(x, INFERENCE).shape, [1, 32, 32, 1]);
  });
  model.dispose();
});

Deno.test("createModel() refuses options that are unknown or out of range", () => {
  const ill: [Record<string, unknown>, string][] = [
    [{ architecture: "segnet" }, "the architecture must be one of unet, encoder-unet, unet++"],
    [{ encoder: "efficientnet-b8" }, "the encoder must be one of efficientnet-b0, efficientnet-b1"],
    [{ startFilters: 0 }, "startFilters must be a positive integer: 0"],
    [{ startFilters: 2.5 }, "startFilters must be a positive integer: 2.5"],
    [{ dropout: 1 }, "dropout must be in [0, 1): 1"],
    [{ dropConnect: -0.1 }, "dropConnect must be in [0, 1): -0.1"],
    [{ batchNormMomentum: NaN }, "batchNormMomentum must be in [0, 1): NaN"],
    [{ seed: Infinity }, "the seed must be finite"],
  ];
  const before = memory();
  for (const [options, says] of ill) {
    assertThrows(() => createModel({ ...SMALL, ...options } as ModelOptions), RangeError, says);
  }
  assertEquals(memory(), before);
});

Deno.test("a few Adam steps on one image lower the loss", () => {
  const model = createModel({ ...SMALL, startFilters: 4, dropout: 0, dropConnect: 0, prior: 0.5 });
  const variables = model.weights.trainable.map(({ variable }) => variable);
  const optimizer = tf.train.adam(6e-3);
  tf.tidy(() =>
    optimizer.applyGradients(variables.map((v) => ({ name: v.name, tensor: tf.zerosLike(v) })))
  );
  const step = jit((x: tf.Tensor4D, y: tf.Tensor4D, key: tf.Tensor1D) => {
    const { loss, gradients } = lossAndGradients(model, x, y, key);
    optimizer.applyGradients(
      Object.entries(gradients).map(([name, tensor]) => ({
        name: model.weights.get(name).name,
        tensor,
      })),
    );
    return loss;
  });
  const x = images(2, 64, 64, 3);
  const y = tf.cast(tf.greater(tf.mean(x, 3, true), 0.3), "float32") as tf.Tensor4D;
  const losses = Array.from({ length: 12 }, (_, i) => {
    const key = tf.tensor1d([1, i], "int32");
    const loss = step(x, y, key);
    const value = loss.dataSync()[0]!;
    tf.dispose([key, loss]);
    return value;
  });
  assert(losses.every(Number.isFinite), losses.join());
  assertLess(losses.at(-1)!, 0.5 * losses[0]!, losses.join());
  assertEquals(step.traces, 1);
  step.dispose();
  optimizer.dispose();
  model.dispose();
  tf.dispose([x, y]);
});

Deno.test("createModel() with gradient checkpointing has the same losses, gradients and statistics", () => {
  const run = (gradientCheckpointing: boolean) => {
    const model = createModel({
      architecture: "simplified-unet++",
      encoder: "efficientnet-b0",
      startFilters: 2,
      gradientCheckpointing,
    });
    const images = wave<tf.Tensor4D>([2, 32, 32, 3], 0.37, 0);
    const seed = tf.tensor1d([3, 4], "int32");
    const step = jit((images: tf.Tensor4D, seed: tf.Tensor1D) =>
      tf.tidy(() => {
        const forward = { training: true, random: new StatelessRandom(seed) } as const;
        const loss = () => tf.mean(tf.square(model.apply(images, forward))) as tf.Scalar;
        const variables = model.weights.trainable.map(({ variable }) => variable);
        const { value, grads } = tf.variableGrads(loss, variables);
        return [value, ...variables.map(({ name }) => grads[name]!)];
      })
    );
    const values = step(images, seed).map((tensor) => {
      const data = [...tensor.dataSync()];
      tensor.dispose();
      return data;
    });
    const statistics = model.weights.all.filter(({ trainable }) => !trainable)
      .map(({ variable }) => [...variable.dataSync()]);
    step.dispose();
    tf.dispose([images, seed]);
    model.dispose();
    return [...values, ...statistics];
  };
  const [plain, checkpointed] = [run(false), run(true)];
  for (const [i, values] of plain.entries()) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assertClose(checkpointed[i]!, values, 1e-4 * largest + 1e-7, `tensor ${i}`);
  }
});
