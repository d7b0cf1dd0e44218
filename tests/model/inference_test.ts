/** Inference folds and fuses: it must give what the layers give one after the other. */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import {
  ARCHITECTURES,
  createModel,
  INFERENCE,
  type ModelOptions,
  type SegmentationModel,
} from "@/model/mod.ts";
import { BatchNorm, type Normalization } from "@/model/layers/mod.ts";
import { FrozenBatchNorm } from "@/model/layers/frozen_batch_norm.ts";
import { jit, kernelsCompiled, tf } from "@/tensorflow/mod.ts";
import { assertClose, memory, wave } from "../tensorflow/assert_close.ts";
import { images } from "./architecture_contract.ts";

const SMALL = {
  architecture: "simplified-unet++",
  encoder: "efficientnet-b0",
  startFilters: 4,
} as const;

const MODELS: ModelOptions[] = [
  ...ARCHITECTURES.map((architecture) => ({ ...SMALL, architecture })),
  { ...SMALL, architecture: "unet++", deepSupervision: true },
  ...(["resnet34", "resnet50-v1", "seresnext50-32x4d"] as const).map((encoder) => ({
    ...SMALL,
    encoder,
  })),
  ...(["frozen-batch", "group"] as const).map((normalization) => ({ ...SMALL, normalization })),
];

/** Wide and large enough for Winograd's method, see {@linkcode winogradPays}. */
const LARGE: ModelOptions = { ...SMALL, startFilters: 8 };
const LARGE_SIZE = 256;

for (const options of [...MODELS, LARGE]) {
  const { architecture, encoder, normalization = "batch", deepSupervision } = options;
  const name = [architecture, encoder, normalization, ...(deepSupervision ? ["deep"] : [])];
  const [height, width] = options === LARGE ? [LARGE_SIZE, LARGE_SIZE] : [64, 32];
  // One image's squeeze-and-excitation goes another way than that of several.
  for (
    const batch of encoder === "efficientnet-b0" && architecture === "encoder-unet" ? [1, 2] : [1]
  ) {
    Deno.test(`apply() in inference folds BatchNorm: ${name.join(", ")}, batch of ${batch}, ${height} px`, async () => {
      const before = memory();
      const model = createModel(options);
      changeWeights(model);
      const x = images(batch, height, width, 3);
      const expected = unfolded(() => model.apply(x, INFERENCE));
      const largest = tf.tidy(() => tf.max(tf.abs(expected)).dataSync()[0]!);
      assertGreater(largest, 0.01);
      const run = (x: tf.Tensor4D) => model.apply(x, INFERENCE);
      const traced = jit(run), frozen = jit(run, { freeze: true });
      for (const [how, predict] of Object.entries({ eager: run, traced, frozen, again: frozen })) {
        const logits = predict(x);
        assertClose(logits, expected, 1e-4 * Math.max(1, largest), how);
        logits.dispose();
      }
      for (const f of [traced, frozen]) f.dispose();
      tf.dispose([x, expected]);
      model.dispose();
      await kernelsCompiled();
      assertEquals(memory(), before);
    });
  }
}

for (const architecture of ARCHITECTURES) {
  const options: ModelOptions = { ...SMALL, architecture };
  Deno.test(`apply() frozen in bfloat16 is near float32: ${architecture}`, () => {
    // Probabilities near 1/2 move most.
    const model = createModel({ ...options, prior: 0.5 });
    const x = images(1, 64, 32, 3);
    const run = (x: tf.Tensor4D) => tf.sigmoid(model.apply(x, INFERENCE));
    const [exact, rounded] = [jit(run), jit(run, { freeze: true, mixedPrecision: "bfloat16" })];
    const difference = tf.tidy(() => tf.max(tf.abs(tf.sub(exact(x), rounded(x)))).dataSync()[0]!);
    assertLess(difference, 0.02);
    assertGreater(difference, 1e-6);
    for (const f of [exact, rounded]) f.dispose();
    x.dispose();
    model.dispose();
  });
}

/** Gives BatchNorm what it has after training: scales of both signs, shifts, statistics; and biases. */
function changeWeights({ weights }: SegmentationModel): void {
  for (const [i, { name, variable }] of weights.all.entries()) {
    const [, kind] = /\/(\w+)$/.exec(name)!;
    if (kind === "kernel") continue;
    const values: tf.Tensor = wave(variable.shape, 1.7, i);
    const changed = tf.tidy(() => {
      if (kind === "moving_variance") return tf.add(tf.mul(values, 0.3), 0.7);
      if (kind === "gamma") return tf.add(values, 0.5);
      return tf.mul(values, 0.2);
    });
    variable.assign(changed);
    tf.dispose([values, changed]);
  }
}

/** Runs a function while no normalization says what it does to each channel, so that none is folded. */
function unfolded<T>(run: () => T): T {
  const kinds: Normalization[] = [BatchNorm.prototype, FrozenBatchNorm.prototype];
  const affines = kinds.map((kind) => kind.affine!);
  for (const kind of kinds) delete kind.affine;
  try {
    return run();
  } finally {
    for (const [i, kind] of kinds.entries()) kind.affine = affines[i]!;
  }
}
