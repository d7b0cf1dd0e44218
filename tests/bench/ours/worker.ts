/**
 * One of several workers that train together (`TF_CONFIG`): `worker.ts SIZE BATCH STEPS [reduce]`. The first prints
 * its {@linkcode WorkerTimes} as one line of JSON.
 */
import { CLUSTER_VARIABLE, joinCluster, parseTfConfig } from "@/cluster/mod.ts";
import { jit, tf } from "@/tensorflow/mod.ts";
import { films, network, stepOf } from "./network.ts";

/**
 * What the workers measured; times in milliseconds, each sample that of one repetition, from when all begin
 * until the last one is done (no steps: "reduce").
 */
export interface WorkerTimes {
  /** Numbers of the network that are trained. */
  parameters: number;
  /** Tensors that the gradients are packed into. */
  packs: number;
  /** A step of each process alone, all at once. */
  alone: number[];
  /** A step with the reduction of its gradients. */
  together: number[];
  /** The same with all gradients in one pack, which waits for the whole backward pass. */
  onePack?: number[];
  /** The same with BatchNorm over the whole batch. */
  synchronised?: number[];
  /** BatchNorm layers: each takes one small reduction forward and one backward where synchronised. */
  normalised?: number;
  /** The reduction of as many numbers as the gradients have, and nothing else. */
  reduce: number[];
  /** The reduction of a single number. */
  smallest: number[];
  /** Bytes that the network interfaces which this process sees have sent in such a reduction. */
  sent: number;
}

const [size, batch, steps] = Deno.args.map(Number) as [number, number, number];
const reduceOnly = Deno.args[3] === "reduce";
const spec = parseTfConfig(Deno.env.get(CLUSTER_VARIABLE))!;
const cluster = await joinCluster(spec);
const { collectives, index } = cluster;

type Work = () => Promise<unknown>;

/** Repeats works in turn, so that what else the machine does meets all of them. */
async function samples(works: readonly Work[], count: number): Promise<number[][]> {
  const times: number[][] = works.map(() => []);
  for (let i = 0; i < count + 1; i++) {
    for (const [j, work] of works.entries()) {
      await cluster.gather("start of a sample", null);
      const started = performance.now();
      await work();
      const all = await cluster.gather("time of a sample", performance.now() - started);
      if (i > 0) times[j]!.push(Math.max(...all)); // the first one traces
    }
  }
  return times;
}

/** Bytes sent by all interfaces of this process's network namespace (proc(5), /proc/net/dev). */
function bytesSent(): number {
  const SENT = 9;
  const lines = Deno.readTextFileSync("/proc/net/dev").trim().split("\n").slice(2);
  return lines.reduce((sum, line) => sum + Number(line.trim().split(/[:\s]+/)[SENT]), 0);
}

const { all, trainable } = network().weights;
const gradients = trainable.map(({ variable }) => variable);
let packs = 0;
const counted = jit(() =>
  tf.tidy(() => {
    const mean = collectives.mean.bind(collectives);
    collectives.mean = (x) => {
      packs++;
      return mean(x);
    };
    const [first] = collectives.means(gradients);
    collectives.mean = mean;
    return first!.sum();
  }), { name: "means" });
const one = tf.zeros([1]);
const smallest = jit((x: tf.Tensor) => collectives.mean(x), { name: "smallest" });
const done = async (tensor: Promise<tf.Tensor>) => {
  const result = await tensor;
  result.dataSync();
  result.dispose();
};

const works: Work[] = [() => done(counted.async())];
if (!reduceOnly) {
  const data = films(batch, size);
  const perWorker = { collectives, index, synchronisesBatchNorm: false };
  const inOnePack = {
    size: collectives.size,
    mean: collectives.mean.bind(collectives),
    sum: collectives.sum.bind(collectives),
    means: (tensors: readonly tf.Tensor[]) => collectives.means(tensors, Infinity),
  };
  const made = [
    stepOf({}),
    stepOf({}, perWorker),
    stepOf({}, { ...perWorker, collectives: inOnePack }),
    stepOf({}, { ...perWorker, synchronisesBatchNorm: true }),
  ];
  works.push(...made.map((step) => () => step(data)));
}
const [reduce, alone = [], together = [], onePack = [], synchronised = []] = await samples(
  works,
  steps,
) as [number[], ...number[][]];
await cluster.gather("bytes before", null);
const before = bytesSent();
for (let i = 0; i < 3; i++) await done(counted.async());
await cluster.gather("bytes after", null);
const sent = (bytesSent() - before) / 3;
const [small] = await samples([() => done(smallest.async(one))], 10 * steps) as [number[]];
if (index === 0) {
  const parameters = gradients.reduce((sum, { size }) => sum + size, 0);
  const normalised = all.filter(({ trainable }) => !trainable).length / 2;
  const times: WorkerTimes = {
    parameters,
    packs,
    alone,
    together,
    onePack,
    synchronised,
    normalised,
    reduce,
    smallest: small,
    sent,
  };
  console.log(JSON.stringify(times));
}
await cluster.leave();
Deno.exit(0);
