import { type Batch, batches, type Film, type Prepared } from "@/data/mod.ts";
import { type Loss, type MetricValues, overlapCounts, SegmentationMetrics } from "@/losses/mod.ts";
import { INFERENCE, normalizeImages, type SegmentationModel } from "@/model/mod.ts";
import { type CompileOptions, jit, tf } from "@/tensorflow/mod.ts";
import { inOwnFormat } from "./own_format.ts";
import type { StepWorkers } from "./step.ts";

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

/**
 * Makes the validation of a stage.
 *
 * @param workers Those that train together: each takes every so manieth batch. Default: this process
 * takes all.
 */
export function validator(
  model: SegmentationModel,
  prepared: Prepared,
  loss: Loss,
  { batch: batchSize, threshold }: { batch: number; threshold: number },
  compile: CompileOptions = {},
  workers?: Pick<StepWorkers, "collectives" | "index">,
): Validator {
  const evaluate = jit(
    ({ images, masks }: { images: tf.Tensor4D; masks: tf.Tensor4D }) =>
      tf.tidy(() => {
        const output = model.apply(normalizeImages(images), INFERENCE);
        const logits = inOwnFormat(output, compile);
        return { loss: loss(logits, masks), counts: overlapCounts(logits, masks, threshold) };
      }),
    { name: "validation_step", ...compile },
  );
  const { index, collectives } = workers ?? { index: 0, collectives: undefined };
  const size = collectives?.size ?? 1;
  const sum = collectives &&
    jit((values: tf.Tensor1D) => collectives.sum(values), { name: "validation_sum", ...compile });

  return {
    async run(films, stop = () => {}) {
      const count = Math.ceil(films.length / batchSize);
      const own = Array.from({ length: count }, (_, batch) => batch)
        .filter((batch) => batch % size === index);
      const ownFilms = own.flatMap((batch) =>
        films.slice(batch * batchSize, (batch + 1) * batchSize)
      );
      const losses = new Float32Array(count); // [batches]
      const counts = new Float32Array(3 * films.length); // [films, 3]
      const all = own.length === 0 ? [] : batches(prepared, ownFilms, { batchSize });
      for await (const batch of all) {
        stop();
        const tensors = batchTensors(batch);
        const result = await evaluate.async(tensors);
        losses[own[batch.index]!] = result.loss.dataSync()[0]!;
        counts.set(result.counts.dataSync(), 3 * batchSize * own[batch.index]!);
        tf.dispose([tensors, result]);
      }
      const values = await sumOf([...losses, ...counts]);
      const metrics = new SegmentationMetrics();
      addCounts(metrics, values.subarray(count));
      const filmsIn = (batch: number) => Math.min(batchSize, films.length - batch * batchSize);
      const lossSum = values.subarray(0, count)
        .reduce((sum, loss, batch) => sum + loss * filmsIn(batch), 0);
      return { loss: lossSum / films.length, ...metrics.values() };
    },
    dispose() {
      evaluate.dispose();
      sum?.dispose();
    },
  };

  /** Each value comes from one process; the others have 0 in its place. */
  async function sumOf(values: number[]): Promise<Float32Array> {
    if (!sum) return Float32Array.from(values);
    const tensor = tf.tensor1d(values);
    const sums = await sum.async(tensor);
    const read = sums.dataSync() as Float32Array;
    tf.dispose([tensor, sums]);
    return read;
  }
}

/** A batch's images and masks as tensors `[batch, size, size, 1]`; the caller disposes of them. */
export function batchTensors(
  { count, size, images, masks }: Batch,
): { images: tf.Tensor4D; masks: tf.Tensor4D } {
  const shape: [number, number, number, number] = [count, size, size, 1];
  return { images: tf.tensor4d(images, shape), masks: tf.tensor4d(masks, shape) };
}

/** Adds images to the metrics, given their counts `[batch, 3]` one after another. */
export function addCounts(metrics: SegmentationMetrics, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i += 3) {
    metrics.add(values[i]!, values[i + 1]!, values[i + 2]!);
  }
}
