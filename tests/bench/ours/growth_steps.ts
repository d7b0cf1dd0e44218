/**
 * Many small training steps: `growth_steps.ts EARLY ALL`; the memory after ALL of them, as a share of
 * that after the first EARLY. No tensor may be left.
 */
import { augmentation } from "@/augmentation/mod.ts";
import { weightedLoss } from "@/losses/mod.ts";
import { createModel } from "@/model/mod.ts";
import { tf } from "@/tensorflow/mod.ts";
import { Adam, trainingStep } from "@/training/mod.ts";
import { films } from "./network.ts";
import { memoryNow, serve } from "./serve.ts";

const SIZE = 32;

const [early, all] = Deno.args.map(Number) as [number, number];
const model = createModel({ architecture: "unet", encoder: "efficientnet-b0", startFilters: 2 });
const step = trainingStep({
  model,
  loss: weightedLoss({ bce: 1, dice: 1 }),
  augment: augmentation({ horizontalFlip: { probability: 0.5 } }),
  optimizer: new Adam(model.weights.trainable),
  accumulation: 1,
  threshold: 0.5,
});
const batch = films(1, SIZE);
const rate = tf.scalar(1e-3), share = tf.scalar(1);

await serve(async () => {
  let memory = 0, tensors = 0;
  for (let i = 1; i <= all; i++) {
    const seed = tf.tensor1d([1, i], "int32");
    const result = await step.run(batch, seed, rate, share, true);
    tf.dispose([seed, { ...result }]);
    if (i === early) [memory, tensors] = [memoryNow(), tf.memory().numTensors];
  }
  const left = tf.memory().numTensors - tensors;
  if (left !== 0) throw new Error(`${left} tensors are left after ${all - early} steps`);
  return memoryNow() / memory;
});
