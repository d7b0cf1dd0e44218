/** Our augmentation: `augment.ts SIZE COUNT`. All changes of siim/*, each applied to each film. */
import { augmentation } from "@/augmentation/mod.ts";
import { jit, StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { films } from "./network.ts";
import { milliseconds, serve } from "./serve.ts";

const BATCH = 4;

const [size, count] = Deno.args.map(Number) as [number, number];
const probability = 1;
const augment = augmentation({
  horizontalFlip: { probability },
  contrast: { probability, range: [0.8, 1.2] },
  gamma: { probability, range: [0.8, 1.2] },
  brightness: { probability, range: [-0.1, 0.1] },
  crop: { probability, zoom: [0.8, 1] },
  elastic: { probability, alpha: [0.003, 0.012], sigma: 0.05 },
  gridDistortion: { probability, range: [0.05, 0.3], steps: 5 },
  opticalDistortion: { probability, range: [-0.2, 0.3] },
});
const traced = jit((images: tf.Tensor4D, masks: tf.Tensor4D, seed: tf.Tensor1D) =>
  augment({ images, masks }, new StatelessRandom(seed))
);
const { images, masks } = films(BATCH, size);
let seeds = 0;

async function augmentBatch(): Promise<void> {
  const seed = tf.tensor1d([1, seeds++], "int32");
  tf.dispose([{ ...await traced.async(images, masks, seed) }, seed]);
}

await serve(() =>
  milliseconds(async () => {
    for (let done = 0; done < count; done += BATCH) await augmentBatch();
  })
);
