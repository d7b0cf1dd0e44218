/** The share of a training step that waits for its batch: `data_wait.ts SIZE BATCH STEPS`. */
import { join } from "node:path";
import { batches, epochOrder, loadDataset, prepare } from "@/data/mod.ts";
import { tf } from "@/tensorflow/mod.ts";
import { batchTensors } from "@/training/mod.ts";
import { stepOf } from "./network.ts";
import { PHANTOM } from "./phantom.ts";
import { serve } from "./serve.ts";

const [size, batchSize, steps] = Deno.args.map(Number) as [number, number, number];
const { train } = await loadDataset(PHANTOM);
// Nothing is kept decoded: each batch costs what it costs in the first epoch.
const prepared = await prepare(train, {
  root: PHANTOM,
  folder: join(PHANTOM, "..", "data_wait"),
  size,
  cacheBytes: 0,
});
const step = stepOf({});
let epoch = 0;

await serve(async () => {
  const order = epochOrder(train, { seed: 1, epoch: epoch++ }).slice(0, (steps + 1) * batchSize);
  let waited = 0, worked = 0, before = performance.now();
  for await (const batch of batches(prepared, order, { batchSize })) {
    const tensors = batchTensors(batch);
    const ready = performance.now();
    await step(tensors);
    const done = performance.now();
    tf.dispose({ ...tensors });
    // The first batch of an epoch has no step before it.
    if (batch.index > 0) {
      waited += ready - before;
      worked += done - ready;
    }
    before = done;
  }
  return waited / (waited + worked);
});
