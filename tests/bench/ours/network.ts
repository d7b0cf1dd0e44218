import { augmentation } from "@/augmentation/mod.ts";
import { weightedLoss } from "@/losses/mod.ts";
import { createModel, INFERENCE, normalizeImages, type SegmentationModel } from "@/model/mod.ts";
import { type CompileOptions, jit, tf } from "@/tensorflow/mod.ts";
import { Adam, LossScale, type StepWorkers, trainingStep } from "@/training/mod.ts";

/** The report's network: EfficientNet-B4 and the simplified U-Net++. */
export function network(): SegmentationModel {
  return createModel({ architecture: "simplified-unet++", encoder: "efficientnet-b4" });
}

/** Films in 0 to 1 and their masks, `[count, size, size, 1]` each. */
export interface Films {
  images: tf.Tensor4D;
  masks: tf.Tensor4D;
}

/** Noise as films, a square as the mask of each. */
export function films(count: number, size: number): Films {
  return tf.tidy(() => {
    const images = tf.randomUniform<tf.Rank.R4>([count, size, size, 1], 0, 1, "float32", 1);
    const border = size / 4, inside = size - 2 * border;
    const square = tf.pad(tf.ones([inside, inside]), [[border, border], [border, border]]);
    const masks = tf.tile(tf.reshape(square, [1, size, size, 1]), [count, 1, 1, 1]);
    return { images, masks: masks as tf.Tensor4D };
  });
}

/**
 * One step of Adam on BCE + dice without augmentation; each call returns when the loss is there.
 *
 * @param workers Those that make it together. Default: this process alone.
 */
export function stepOf(
  compile: CompileOptions,
  workers?: StepWorkers,
): (batch: Films) => Promise<number> {
  const model = network();
  const step = trainingStep({
    model,
    loss: weightedLoss({ bce: 1, dice: 1 }, {}, workers?.collectives),
    augment: augmentation({}),
    optimizer: new Adam(model.weights.trainable),
    accumulation: 1,
    threshold: 0.5,
    compile,
    ...(workers && { workers }),
    ...(compile.mixedPrecision === "float16" && { lossScale: new LossScale() }),
  });
  const seed = tf.tensor1d([1, 2], "int32"), rate = tf.scalar(1e-3), share = tf.scalar(1);
  return async (batch) => {
    const result = await step.run(batch, seed, rate, share, true);
    const value = result.loss.dataSync()[0]!;
    tf.dispose({ ...result });
    return value;
  };
}

/** The weights do not change any more, so that they may become constants. */
const FINISHED = { freeze: true };

/** Probabilities of a film; each call returns when they are in JavaScript's memory. */
export function predictorOf(images: tf.Tensor4D, compile: CompileOptions): () => Promise<number> {
  const model = network();
  const predict = jit(
    (x: tf.Tensor4D) => tf.tidy(() => tf.sigmoid(model.apply(normalizeImages(x), INFERENCE))),
    { name: "predict", ...FINISHED, ...compile },
  );
  return async () => {
    const probabilities = await predict.async(images);
    const first = probabilities.dataSync()[0]!;
    probabilities.dispose();
    return first;
  };
}
