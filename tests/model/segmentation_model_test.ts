import { assert, assertEquals, assertLess, assertNotEquals, assertThrows } from "@std/assert";
import { jit, StatelessRandom, tf } from "@/tensorflow/mod.ts";
import {
  createModel,
  EfficientNet,
  type EfficientNetName,
  EFFICIENTNETS,
  type Forward,
  INFERENCE,
  type ModelOptions,
  type SegmentationModel,
  Weights,
} from "@/model/mod.ts";
import { assertClose, memory, wave } from "../tensorflow/assert_close.ts";

const SMALL: ModelOptions = { architecture: "simplified-unet++", encoder: "efficientnet-b0" };

function training(step = 0): Forward {
  return { training: true, random: new StatelessRandom(tf.tensor1d([1, step], "int32")) };
}

const images = (...shape: number[]) => wave<tf.Tensor4D>(shape, 0.13, 0.4);

const valuesOf = (model: SegmentationModel) =>
  new Map(model.weights.all.map(({ name, variable }) => [name, variable.dataSync().slice()]));

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

Deno.test("SegmentationModel.apply() takes heights and widths that are multiples of 32", () => {
  const model = createModel(SMALL);
  for (const [batch, height, width] of [[1, 32, 32], [2, 96, 64], [1, 32, 160]] as const) {
    tf.tidy(() => {
      const logits = model.apply(images(batch, height, width, 3), INFERENCE);
      assertEquals(logits.shape, [batch, height, width, 1]);
      assert(logits.dataSync().every(Number.isFinite));
    });
  }
  const ill = [[1, 33, 32, 3], [1, 32, 48, 3], [1, 32, 32, 1], [1, 32, 32, 4], [1, 0, 32, 3], [
    32,
    32,
    3,
  ], [1, 16, 16, 3]];
  for (const shape of ill) {
    assertThrows(
      () => model.apply(tf.zeros(shape as [number, number, number, number]), INFERENCE),
      RangeError,
      `with height and width multiples of 32: [${shape.join(", ")}]`,
    );
  }
  model.dispose();
});

Deno.test("SegmentationModel.apply() gives each image of a batch what it gives it alone", () => {
  const model = createModel(SMALL);
  tf.tidy(() => {
    const both = images(2, 64, 64, 3);
    const [first, second] = tf.split(both, 2) as [tf.Tensor4D, tf.Tensor4D];
    const together = model.apply(both, INFERENCE);
    const apart = tf.concat([model.apply(first, INFERENCE), model.apply(second, INFERENCE)]);
    assertClose(together, apart, 1e-5);
    assertNotEquals(tf.split(apart, 2)[0]!.dataSync(), tf.split(apart, 2)[1]!.dataSync());
  });
  model.dispose();
});

/** Loss and gradients of a forward pass in training: what a step of training is made of. */
function lossAndGradients(
  model: SegmentationModel,
  x: tf.Tensor4D,
  y: tf.Tensor4D,
  key: tf.Tensor1D,
) {
  const forward = { training: true, random: new StatelessRandom(key) } as const;
  const variables = model.weights.trainable.map(({ variable }) => variable);
  return tf.variableGrads(
    () => {
      const logits = model.apply(x, forward);
      // Cross-entropy of the sigmoid.
      return tf.mean(tf.sub(tf.softplus(logits), tf.mul(logits, y))) as tf.Scalar;
    },
    variables,
  );
}

Deno.test("the whole model gives the same eager and traced, in inference and in training", () => {
  const eagerly = createModel(SMALL), traced = createModel(SMALL);
  const x = images(2, 64, 64, 3);
  const y = tf.cast(tf.greater(images(2, 64, 64, 1), 0.5), "float32") as tf.Tensor4D;
  const key = tf.tensor1d([5, 6], "int32");

  const predict = jit((x: tf.Tensor4D) => traced.apply(x, INFERENCE));
  assertClose(predict(x), eagerly.apply(x, INFERENCE), 1e-4);

  const step = jit((x: tf.Tensor4D, y: tf.Tensor4D, key: tf.Tensor1D) => {
    const { value, grads } = lossAndGradients(traced, x, y, key);
    // Names of variables are made by TensorFlow.js; those of weights are the same in both models.
    return {
      value,
      gradients: traced.weights.trainable.map(({ variable }) => grads[variable.name]!),
    };
  });
  const { value, gradients } = step(x, y, key);
  const { value: loss, grads } = lossAndGradients(eagerly, x, y, key);
  assertClose(value, loss, 1e-5);
  for (const [i, { name, variable }] of eagerly.weights.trainable.entries()) {
    const expected = grads[variable.name]!;
    const scale = Math.max(1e-3, tf.max(tf.abs(expected)).dataSync()[0]!);
    assertClose(gradients[i]!, expected, 2e-3 * scale, `gradient of ${name}`);
  }
  const after = valuesOf(eagerly);
  for (const { name, variable } of traced.weights.all) {
    assertClose(variable, after.get(name)!, 1e-4, name);
  }
  for (const f of [predict, step]) f.dispose();
  for (const model of [eagerly, traced]) model.dispose();
  tf.dispose([x, y, key, value, gradients, loss, grads]);
});

Deno.test("SegmentationModel.apply() in training moves BatchNorm's statistics and nothing else", () => {
  const model = createModel(SMALL);
  const start = valuesOf(model);
  const x = images(2, 64, 64, 3);
  model.apply(x, INFERENCE).dispose();
  assertEquals(valuesOf(model), start, "inference");
  model.apply(x, training()).dispose();
  for (const { name, variable, trainable } of model.weights.all) {
    const isStatistic = /moving_(mean|variance)$/.test(name);
    assertEquals(isStatistic, !trainable, name);
    const old = start.get(name)!, now = variable.dataSync();
    assertEquals(now.some((value, i) => value !== old[i]), isStatistic, name);
  }
  model.dispose();
  x.dispose();
});

Deno.test("SegmentationModel leaks nothing, eager or traced", () => {
  const empty = memory();
  const model = createModel(SMALL);
  const x = images(1, 32, 32, 3), y = tf.zeros([1, 32, 32, 1]) as tf.Tensor4D;
  const key = tf.tensor1d([5, 6], "int32");
  const step = jit((x: tf.Tensor4D, y: tf.Tensor4D, key: tf.Tensor1D) =>
    lossAndGradients(model, x, y, key)
  );
  tf.dispose(step(x, y, key));
  tf.dispose(lossAndGradients(model, x, y, key));
  const before = memory();
  for (let i = 0; i < 2; i++) {
    tf.dispose(lossAndGradients(model, x, y, key));
    tf.dispose(step(x, y, key));
    model.apply(x, INFERENCE).dispose();
    tf.dispose(tf.tidy(() => model.apply(x, training(i))));
  }
  assertEquals(memory(), before);
  step.dispose();
  model.dispose();
  tf.dispose([x, y, key]);
  assertEquals(memory(), empty);
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
    [{ architecture: "unet" }, "the architecture must be one of simplified-unet++: unet"],
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
  const model = createModel({ ...SMALL, startFilters: 4, dropout: 0, dropConnect: 0 });
  const variables = model.weights.trainable.map(({ variable }) => variable);
  const optimizer = tf.train.adam(6e-3);
  const named = (gradients: Record<string, tf.Tensor>) =>
    Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
  tf.tidy(() =>
    optimizer.applyGradients(variables.map((v) => ({ name: v.name, tensor: tf.zerosLike(v) })))
  );
  const step = jit((x: tf.Tensor4D, y: tf.Tensor4D, key: tf.Tensor1D) => {
    const { value, grads } = lossAndGradients(model, x, y, key);
    optimizer.applyGradients(named(grads));
    return value;
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
