import {
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { join } from "node:path";
import { decodeSafetensors } from "@/files/mod.ts";
import { weightedLoss } from "@/losses/mod.ts";
import { createModel, type ModelOptions, type SegmentationModel, Weights } from "@/model/mod.ts";
import { type MixedPrecision, tf } from "@/tensorflow/mod.ts";
import { Adam, GradientDescent, LossScale, trainingStep, trainStage } from "@/training/mod.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";
import { HAS_BFLOAT16 } from "../tensorflow/formats.ts";
import { discExperiment, discs } from "./discs.ts";

const SIZE = 32;

/** Two squares of other places and sizes on noise, and their masks. // [2, 32, 32, 1] */
function squares(): { images: tf.Tensor4D; masks: tf.Tensor4D } {
  return tf.tidy(() => {
    const square = (from: number, to: number) =>
      tf.pad(tf.ones([to - from, to - from]), [[from, SIZE - to], [from, SIZE - to]]);
    const masks = tf.stack([square(4, 16), square(12, 28)]).expandDims(3) as tf.Tensor4D;
    const noise = tf.randomUniform(masks.shape, 0, 0.4, "float32", 7);
    return { images: tf.add(noise, tf.mul(masks, 0.6)) as tf.Tensor4D, masks };
  });
}

/** Losses of a small U-Net over some steps on the same two images. */
async function losses(
  steps: number,
  mixedPrecision?: MixedPrecision,
  lossScale?: LossScale,
  options: Partial<ModelOptions> = {},
): Promise<number[]> {
  const model = createModel({
    architecture: "unet",
    encoder: "efficientnet-b0",
    startFilters: 4,
    dropout: 0,
    batchNormMomentum: 0.9,
    seed: 3,
    ...options,
  });
  const optimizer = new Adam(model.weights.trainable);
  const step = trainingStep({
    model,
    loss: weightedLoss({ bce: 1, dice: 1 }),
    augment: (films) => films,
    optimizer,
    accumulation: 1,
    threshold: 0.5,
    ...(lossScale && { lossScale }),
    compile: { device: "cpu", ...(mixedPrecision && { mixedPrecision }) },
  });
  const batch = squares();
  const inputs = [tf.tensor1d([1, 2], "int32"), tf.scalar(5e-3), tf.scalar(1)] as const;
  const values: number[] = [];
  for (let i = 0; i < steps; i++) {
    const result = await step.run(batch, ...inputs, true);
    values.push(result.loss.dataSync()[0]!);
    tf.dispose({ ...result });
  }
  tf.dispose([batch, [...inputs]]);
  step.dispose();
  optimizer.dispose();
  model.dispose();
  return values;
}

let float32: Promise<number[]> | undefined;
const exact = () => float32 ??= losses(25);

Deno.test({
  name: "trainingStep() in bfloat16 follows the losses of float32, to 5 % over 25 steps",
  ignore: !HAS_BFLOAT16,
  async fn() {
    const before = memory();
    const [mixed, plain] = [await losses(25, "bfloat16"), await exact()];
    assertEquals(memory(), before);
    for (const [i, loss] of mixed.entries()) {
      assertNotEquals(loss, plain[i]);
      // The first steps alone start from the same weights.
      const tolerance = i < 3 ? 0.01 : 0.05;
      assertLess(Math.abs(loss / plain[i]! - 1), tolerance, `step ${i + 1}`);
    }
    assertLess(plain.at(-1)!, plain[0]! / 2);
  },
});

const NETWORKS: Partial<ModelOptions>[] = [
  { architecture: "unet", normalization: "group" },
  { architecture: "encoder-unet", encoder: "seresnext50-32x4d" },
  { architecture: "unet++", normalization: "frozen-batch" },
  { architecture: "simplified-unet++", gradientCheckpointing: true },
  { architecture: "deeplabv3+" },
];

for (const options of NETWORKS) {
  Deno.test({
    name: `trainingStep() in bfloat16 has the losses of float32: ${Object.values(options)}`,
    ignore: !HAS_BFLOAT16,
    async fn() {
      const mixed = await losses(2, "bfloat16", undefined, options);
      const plain = await losses(2, undefined, undefined, options);
      for (const [i, loss] of mixed.entries()) {
        assertLess(Math.abs(loss / plain[i]! - 1), 0.05, `step ${i + 1}: ${mixed}, ${plain}`);
      }
    },
  });
}

Deno.test("trainingStep() computes the loss of float16 logits in float32", async () => {
  const value = 1 + 2 ** -10; // has 11 digits: float16 keeps it, and not a third of it
  const weights = new Weights(0);
  const kernel = weights.create("kernel", [1, 1, 1, 1], "zeros");
  tf.tidy(() => kernel.assign(tf.fill([1, 1, 1, 1], value)));
  const outputs = (images: tf.Tensor4D) => {
    const ones = tf.onesLike(images.slice([0, 0, 0, 0], [1, 1, 1, 1]));
    return [tf.conv2d(ones, kernel as tf.Tensor4D, 1, "same")];
  };
  const step = trainingStep({
    model: { weights, outputs } as unknown as SegmentationModel,
    loss: (logits) => tf.mean(tf.square(tf.mul(logits, 1 / 3))) as tf.Scalar,
    augment: (films) => films,
    optimizer: new GradientDescent(weights.trainable),
    accumulation: 1,
    threshold: 0.5,
    compile: { mixedPrecision: "float16", device: "cpu" },
  });
  const images = tf.ones([1, 1, 1, 1]) as tf.Tensor4D;
  const inputs = [tf.tensor1d([1, 2], "int32"), tf.scalar(1), tf.scalar(1)] as const;
  const result = await step.run({ images, masks: images }, ...inputs, true);
  assertClose(result.loss, [value ** 2 / 9], 1e-7);
  tf.dispose([{ ...result }, images, [...inputs]]);
  step.dispose();
  weights.dispose();
});

Deno.test("trainingStep() in float16 with a loss scale has the loss of float32, and learns as well", async () => {
  const lossScale = new LossScale({ growthSteps: 5 });
  const [mixed, plain] = [await losses(25, "float16", lossScale), await exact()];
  assertNotEquals(mixed[0], plain[0]);
  assertLess(Math.abs(mixed[0]! / plain[0]! - 1), 0.02);
  assertLess(mixed.at(-1)!, mixed[0]! / 2);
  // It grew until a gradient was too large, and has been within reach of that since.
  assertGreater(lossScale.state.get("scale")!.dataSync()[0]!, 0);
  assertNotEquals(lossScale.state.get("scale")!.dataSync()[0], 32768);
  lossScale.dispose();
});

Deno.test("trainStage() trains in float16, and keeps the loss scale in its checkpoints", async () => {
  const runs = await Deno.makeTempDir();
  const experiment = await discExperiment("first", [
    "model={ architecture: unet, startFilters: 2, dropout: 0 }",
    "training.epochs=1",
    "training.mixedPrecision=float16",
    "training.device=cpu",
  ]);
  const before = memory();
  let steps = 0;
  const run = await trainStage(experiment, {
    data: discs({ training: 8, validation: 2 }),
    runs,
    onBatch: () => steps++,
  });
  assertGreater(steps, 0);
  assertEquals(memory(), before);
  assertEquals(run.status, "finished");
  assertEquals(run.experiment.training.mixedPrecision, "float16");
  assertEquals(run.experiment.training.device, "cpu");
  assertEquals(run.device.gpu, null);
  const file = join(runs, run.id, run.checkpoints.last!.file);
  const { tensors } = decodeSafetensors(await Deno.readFile(file), file);
  assertEquals([...tensors.get("lossScale/good_steps")!.data], [steps]);
  assertEquals([...tensors.get("lossScale/scale")!.data], [32768]);
  await Deno.remove(runs, { recursive: true });
});

Deno.test("trainStage() refuses what this machine cannot do before it does anything", async () => {
  const experiment = await discExperiment("first");
  const { training } = experiment;
  const stage = { ...experiment, training: { ...training, mixedPrecision: "float16", xla: true } };
  await assertRejects(
    () => trainStage(stage as typeof experiment, { runs: "/nonexistent" }),
    RangeError,
    "Cannot compile with XLA in mixed precision",
  );
});
