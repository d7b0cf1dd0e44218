/**
 * One worker that makes training steps of a real model: `steps_program.ts OPTIONS FILE`, where the options
 * are {@linkcode Steps} as JSON and TF_CONFIG names the cluster, or none. The chief prints the losses as
 * JSON, and writes all weights into the file as float64.
 */
import { CLUSTER_VARIABLE, joinCluster, parseTfConfig } from "@/cluster/mod.ts";
import { batches } from "@/data/mod.ts";
import type { LossOptions, LossWeights } from "@/losses/mod.ts";
import type { EncoderName } from "@/model/mod.ts";
import type { OptimizerOptions } from "@/training/mod.ts";
import { discs } from "../training/discs.ts";

/** What the workers do together. */
export interface Steps {
  precision: "float32" | "float64";
  encoder: EncoderName;
  /** Steps of the optimizer. */
  steps: number;
  /** Films of a batch, of all workers together. */
  batch: number;
  optimizer: OptimizerOptions;
  learningRate: number;
  loss: LossWeights;
  lossOptions?: LossOptions;
  /** Whether each batch holds its films the other way round. */
  reversed?: boolean;
  /** Whether the network drops elements and blocks. Default: true. */
  drops?: boolean;
  /** Whether workers normalise by their own parts. Default: false. */
  perWorker?: boolean;
  /** The part of each batch that one process takes where it has no cluster. Default: all of it. */
  part?: { index: number; count: number };
}

/** The films come again after so many batches. */
const BATCHES = 4;

async function main(options: Steps, file: string): Promise<void> {
  const { precision, encoder, steps, batch, learningRate, loss } = options;
  const { reversed = false, drops = true, perWorker = false } = options;
  const spec = parseTfConfig(Deno.env.get(CLUSTER_VARIABLE));
  if (precision === "float64") await import("./in_float64.ts");
  const cluster = spec && await joinCluster(spec, { timeout: 60, startTimeout: 60 });
  const [{ augmentation }, { weightedLoss }, { createModel }, { StatelessRandom, tf }, training] =
    await Promise.all(
      [
        import("@/augmentation/mod.ts"),
        import("@/losses/mod.ts"),
        import("@/model/mod.ts"),
        import("@/tensorflow/mod.ts"),
        import("@/training/mod.ts"),
      ],
    );
  // The network's fine levels drop whatever the options say.
  if (!drops) StatelessRandom.prototype.kept = (shape) => tf.ones(shape, "bool");
  const model = createModel({ architecture: "simplified-unet++", encoder });
  const step = training.trainingStep({
    model,
    loss: weightedLoss(loss, options.lossOptions, cluster?.collectives),
    augment: augmentation({}),
    optimizer: training.createOptimizer(model.weights.trainable, options.optimizer),
    accumulation: 1,
    threshold: 0.5,
    ...(cluster && {
      workers: {
        collectives: cluster.collectives,
        index: cluster.index,
        synchronisesBatchNorm: !perWorker,
      },
    }),
  });

  const { prepared, split } = discs({ training: BATCHES * batch, validation: 1 });
  const order = Array.from({ length: steps * batch }, (_, i) => {
    const place = i % batch;
    const first = i - place;
    return split.training[(first + (reversed ? batch - 1 - place : place)) % (BATCHES * batch)]!;
  });
  const share = cluster
    ? { index: cluster.index, count: cluster.size }
    : options.part ?? { index: 0, count: 1 };
  const losses: number[] = [];
  for await (const films of batches(prepared, order, { batchSize: batch, share })) {
    const tensors = training.batchTensors(films);
    const seed = tf.tensor1d([films.index, 1], "int32");
    const numbers = [tf.scalar(learningRate), tf.scalar(1)] as const;
    const result = await step.run(tensors, seed, ...numbers, true);
    losses.push(result.loss.dataSync()[0]!);
    tf.dispose([tensors, seed, [...numbers], { ...result }]);
  }
  if (cluster?.isChief ?? true) {
    const parts = model.weights.all.map(({ variable }) => variable.dataSync());
    const values = Float64Array.from(parts.flatMap((part) => [...part]));
    await Deno.writeFile(file, new Uint8Array(values.buffer));
    console.log(JSON.stringify(losses));
  }
  await cluster?.leave();
}

if (import.meta.main) {
  const [json, file] = Deno.args;
  await main(JSON.parse(json!), file!);
  Deno.exit(0);
}
