/**
 * A training step of several workers and what its reductions take:
 * `workers.ts SIZE BATCH [synchronised|per-worker] [--workers N]`, where BATCH is one worker's part.
 *
 * With `--workers` it starts that many processes on this machine; where TF_CONFIG names a cluster it is
 * one of its workers (in a network namespace of its own, for example); else it measures one worker alone.
 * The chief prints one line of JSON: medians in milliseconds, bytes that one worker gives to the
 * reductions of one step, and how many reductions there are. A ring moves `2 (N - 1) / N` times the bytes.
 */
import { CLUSTER_VARIABLE, joinCluster, launchWorkers, parseTfConfig } from "@/cluster/mod.ts";
import { jit, tf } from "@/tensorflow/mod.ts";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { films, network, stepOf } from "./network.ts";

const ROUNDS = 8;

const { values, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: { workers: { type: "string" } },
});
if (values.workers !== undefined && Number(values.workers) > 1) {
  const args = ["run", "-A", fileURLToPath(import.meta.url), ...positionals];
  Deno.exit(await launchWorkers({ workers: Number(values.workers), args }));
}

const [size, batch, batchNorm = "synchronised"] = positionals;
const spec = parseTfConfig(Deno.env.get(CLUSTER_VARIABLE));
const cluster = spec && await joinCluster(spec);

async function median(work: () => Promise<unknown>): Promise<number> {
  await work(); // traces
  const times = [];
  for (let i = 0; i < ROUNDS; i++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[ROUNDS / 2]!;
}

/** The time of one reduction of so many numbers, in the packs of a step. */
async function reduction(sizes: number[]): Promise<number | null> {
  if (!cluster) return null;
  const { collectives } = cluster;
  const tensors = sizes.map((size) => tf.fill([size], cluster.index));
  const reduce = jit((...all: tf.Tensor[]) => tf.tidy(() => collectives.means(all)));
  const time = await median(async () => tf.dispose(await reduce.async(...tensors)));
  tf.dispose(tensors);
  return time;
}

const workers = cluster && {
  collectives: cluster.collectives,
  index: cluster.index,
  synchronisesBatchNorm: batchNorm === "synchronised",
};
const step = stepOf({}, workers);
const noise = films(Number(batch), Number(size));
const stepTime = await median(() => step(noise));
const { operations = 0, numbers = 0 } = cluster?.collectives.made ?? {};

const model = network();
const gradients = model.weights.trainable.map(({ variable }) => variable.size);
const gradientTime = await reduction(gradients);
const smallTime = await reduction([256]);
if (cluster?.isChief ?? true) {
  console.log(JSON.stringify({
    workers: cluster?.size ?? 1,
    size: Number(size),
    filmsEach: Number(batch),
    batchNorm,
    step: stepTime,
    reductionsOfStep: operations,
    bytesOfStep: 4 * numbers,
    gradients: gradientTime,
    gradientBytes: 4 * gradients.reduce((sum, size) => sum + size, 0),
    smallReduction: smallTime,
  }));
}
await cluster?.leave();
Deno.exit(0);
