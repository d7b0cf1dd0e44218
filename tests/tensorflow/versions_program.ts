/**
 * Uses everything that the project needs of TensorFlow on a small scale, and prints what comes out as
 * JSON: `{ version, numbers }`. See versions_test.ts.
 */
import { binaryCrossEntropy } from "@/losses/mod.ts";
import { createModel } from "@/model/mod.ts";
import {
  type CompileOptions,
  jit,
  rawOp,
  StatelessRandom,
  tensorflowVersion,
  tf,
} from "@/tensorflow/mod.ts";
import { Adam, readCheckpoint, trainingStep, writeCheckpoint } from "@/training/mod.ts";
import { wave } from "./assert_close.ts";

const numbers: Record<string, number[]> = {};

function keep(name: string, tensor: tf.Tensor): void {
  numbers[name] = [...tensor.dataSync()];
}

tf.tidy(() => {
  const x = wave<tf.Tensor4D>([2, 6, 6, 3], 0.37, 0.2);
  const kernel = wave<tf.Tensor4D>([3, 3, 3, 2], 0.91, 0.1);
  const convolve = (k: tf.Tensor) => tf.sum(tf.square(tf.conv2d(x, k as tf.Tensor4D, 2, "same")));
  keep("eager", convolve(kernel));
  const gradient = jit((k: tf.Tensor4D) => tf.grad(convolve)(k));
  keep("gradient", gradient(kernel));
  gradient.dispose();
  const compiled = jit((a: tf.Tensor4D) => tf.mean(tf.sigmoid(a)), { xla: true });
  keep("xla", compiled(x));
  compiled.dispose();
  const random = new StatelessRandom(tf.tensor1d([1, 2], "int32"));
  keep("random", random.uniform([4]));
  keep("raw", rawOp("Cumsum", [wave([4], 0.5, 0), tf.scalar(0, "int32")], {})[0]!);
});

/** Losses of three steps of a small U-Net with BatchNorm, and a number of each of its statistics. */
async function train(name: string, compile: CompileOptions): Promise<void> {
  const model = createModel({
    architecture: "unet",
    encoder: "efficientnet-b0",
    startFilters: 2,
    seed: 1,
  });
  const optimizer = new Adam(model.weights.trainable);
  const loss = binaryCrossEntropy;
  const augment = <T>(films: T) => films;
  const parts = { model, loss, augment, optimizer, accumulation: 1, threshold: 0.5, compile };
  const step = trainingStep(parts);
  const images = tf.tidy(() => tf.abs(wave<tf.Tensor4D>([2, 32, 32, 1], 0.37, 0.2)));
  const masks = tf.tidy(() => tf.cast(tf.greater(images, 0.5), "float32") as tf.Tensor4D);
  const inputs = [tf.tensor1d([1, 2], "int32"), tf.scalar(1e-2), tf.scalar(1)] as const;
  const losses: number[] = [];
  for (let i = 0; i < 3; i++) {
    const result = await step.run({ images, masks }, ...inputs, true);
    losses.push(result.loss.dataSync()[0]!);
    tf.dispose({ ...result });
  }
  numbers[name] = losses;
  const all = new Map(model.weights.all.map(({ name, variable }) => [name, variable]));
  const statistics = [...all].filter(([name]) => name.includes("moving_"));
  numbers[`${name}, statistics`] = statistics.map(([, variable]) => variable.dataSync()[0]!);

  const folder = await Deno.makeTempDir();
  try {
    const written = await writeCheckpoint(folder, "weights", { weights: all }, { epoch: 1 });
    const read = await readCheckpoint(folder, written);
    const first = statistics[0]![0];
    numbers[`${name}, checkpoint`] = [...read.group("weights").get(first)!.data as Float32Array];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

await train("training", {});
await train("training in bfloat16", { mixedPrecision: "bfloat16", device: "cpu" });

console.log(JSON.stringify({ version: tensorflowVersion, numbers }));
