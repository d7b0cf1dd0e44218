import { type Batch, batches, type Film, type Prepared } from "@/data/mod.ts";
import { type Loss, type MetricValues, overlapCounts, SegmentationMetrics } from "@/losses/mod.ts";
import { INFERENCE, normalizeImages, type SegmentationModel } from "@/model/mod.ts";
import { type CompileOptions, jit, tf } from "@/tensorflow/mod.ts";

/** Metrics of a model on films it was not trained on. */
export interface Validation extends MetricValues {
  /** Mean loss over the batches, each weighted by its films. */
  loss: number;
}

/** Computes loss and metrics over films, without augmentation, at the network's size. */
export interface Validator {
  /** @throws {Error} If `stop` says so between two batches; see `Interrupt`. */
  run(films: readonly Film[], stop?: () => void): Promise<Validation>;
  dispose(): void;
}

/** Makes the validation of a stage. */
export function validator(
  model: SegmentationModel,
  prepared: Prepared,
  loss: Loss,
  { batch: batchSize, threshold }: { batch: number; threshold: number },
  compile: CompileOptions = {},
): Validator {
  const evaluate = jit(
    ({ images, masks }: { images: tf.Tensor4D; masks: tf.Tensor4D }) =>
      tf.tidy(() => {
        const logits = model.apply(normalizeImages(images), INFERENCE);
        return { loss: loss(logits, masks), counts: overlapCounts(logits, masks, threshold) };
      }),
    { name: "validation_step", ...compile },
  );
  return {
    async run(films, stop = () => {}) {
      const metrics = new SegmentationMetrics();
      let lossSum = 0;
      for await (const batch of batches(prepared, films, { batchSize })) {
        stop();
        const tensors = batchTensors(batch);
        const result = await evaluate.async(tensors);
        lossSum += result.loss.dataSync()[0]! * batch.count;
        addCounts(metrics, result.counts);
        tf.dispose([tensors, result]);
      }
      return { loss: lossSum / films.length, ...metrics.values() };
    },
    dispose: () => evaluate.dispose(),
  };
}

/** A batch's images and masks as tensors `[batch, size, size, 1]`; the caller disposes of them. */
export function batchTensors(
  { count, size, images, masks }: Batch,
): { images: tf.Tensor4D; masks: tf.Tensor4D } {
  const shape: [number, number, number, number] = [count, size, size, 1];
  return { images: tf.tensor4d(images, shape), masks: tf.tensor4d(masks, shape) };
}

/** Adds the images of a batch to the metrics. */
export function addCounts(metrics: SegmentationMetrics, counts: tf.Tensor2D): void {
  const values = counts.dataSync();
  for (let i = 0; i < values.length; i += 3) {
    metrics.add(values[i]!, values[i + 1]!, values[i + 2]!);
  }
}
