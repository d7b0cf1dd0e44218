import { batches, type Film, type Prepared } from "@/data/mod.ts";
import type { Loss } from "@/losses/mod.ts";
import { createModel, type ModelOptions } from "@/model/mod.ts";
import { tf } from "@/tensorflow/mod.ts";
import { trainingStep } from "./step.ts";
import { batchTensors } from "./validate.ts";

/** What gradients are compared on. */
export interface AccumulationCase {
  model: ModelOptions;
  loss: Loss;
  /** The large batch. */
  films: readonly Film[];
  prepared: Prepared;
  /** Films in each small batch. */
  batch: number;
}

/**
 * How far the gradients that a training step gathers over small batches are from those of the same films
 * in one batch: the norm of the difference, relative to the norm of the large batch's. It is 0, but for
 * rounding, where nothing looks across films: no statistics of a batch, and a loss that is a mean over
 * films.
 *
 * @throws {RangeError} If the films do not make whole small batches.
 */
export async function accumulationDifference(options: AccumulationCase): Promise<number> {
  const { films, batch } = options;
  if (films.length === 0 || films.length % batch !== 0) {
    throw new RangeError(
      `Cannot compare gradients as the films must make whole batches of ${batch}: ${films.length}`,
    );
  }
  const large = await gatheredGradients(options, films.length);
  const small = await gatheredGradients(options, batch);
  const difference = large.map((value, i) => small[i]! - value);
  return norm(difference) / norm(large);
}

/** The gradients of all weights, one after the other, gathered over batches of a size. */
async function gatheredGradients(
  { model: modelOptions, loss, films, prepared }: AccumulationCase,
  batchSize: number,
): Promise<number[]> {
  const model = createModel(modelOptions);
  const step = trainingStep({
    model,
    loss,
    augment: (batch) => batch,
    // The window never ends, so no weight is changed.
    optimizer: { slots: new Map(), apply() {}, dispose() {} },
    accumulation: 2,
    threshold: 0.5,
  });
  try {
    for await (const batch of batches(prepared, films, { batchSize })) {
      const tensors = batchTensors(batch);
      const inputs = [
        tf.tensor1d([0, 0], "int32"),
        tf.scalar(0),
        tf.scalar(batchSize / films.length),
      ] as const;
      const result = await step.run(tensors, ...inputs, false);
      tf.dispose([tensors, [...inputs], { ...result }]);
    }
    return [...step.gathered.values()].flatMap((sum) => [...sum.dataSync()]);
  } finally {
    step.dispose();
    model.dispose();
  }
}

function norm(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
}
