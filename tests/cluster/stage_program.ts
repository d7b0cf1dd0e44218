/**
 * One worker that trains on discs, for the tests: `stage_program.ts RUNS OPTIONS`, where the options are
 * a {@linkcode StageProgram} as JSON and TF_CONFIG names the cluster, or none. Prints the run's metrics
 * as JSON, if it is the chief; exits with 130 if it was interrupted.
 */
import { CLUSTER_VARIABLE, joinCluster, parseTfConfig } from "@/cluster/mod.ts";
import { discExperiment, discs } from "../training/discs.ts";

/** What a worker does. */
export interface StageProgram {
  /** Default: float32, as always but in tests. */
  precision?: "float32" | "float64";
  overrides: string[];
  training: number;
  validation: number;
  /** A film whose grey values are no numbers. */
  broken?: string;
  /** Another hash of the data than that of the others. */
  dataHash?: string;
  timeout?: number;
  startTimeout?: number;
  /** A signal that the worker of that number sends itself after a batch, counted from 1. */
  signal?: { name: Deno.Signal; worker: number; batch: number };
}

if (import.meta.main) {
  const [runs, json] = Deno.args;
  const options = JSON.parse(json!) as StageProgram;
  const { overrides, training, validation, dataHash, timeout = 20, startTimeout = 20, signal } =
    options;
  if (options.precision === "float64") {
    // Its operations for inference know no float64.
    Deno.env.set("TF_ENABLE_ONEDNN_OPTS", "0");
    await import("./in_float64.ts");
  }
  const { trainStage } = await import("@/training/mod.ts");
  try {
    const spec = parseTfConfig(Deno.env.get(CLUSTER_VARIABLE));
    const cluster = spec && await joinCluster(spec, { timeout, startTimeout });
    const data = discs({ training, validation });
    const { readImage } = data.prepared;
    data.prepared.readImage = async (imageId) => {
      const image = await readImage(imageId);
      if (imageId !== options.broken) return image;
      return new Float32Array(image.length).fill(NaN) as unknown as typeof image;
    };
    let batches = 0;
    const run = await trainStage(await discExperiment("first", overrides), {
      data: { ...data, ...(dataHash && { hash: dataHash }) },
      runs: runs!,
      ...(cluster && { cluster }),
      onBatch: () => {
        if (++batches !== signal?.batch || signal.worker !== (cluster?.index ?? 0)) return;
        Deno.kill(Deno.pid, signal.name);
      },
    });
    if (cluster?.isChief ?? true) console.log(JSON.stringify(run));
    await cluster?.leave();
  } catch (error) {
    const { name, message } = error as Error;
    console.error(`${name}: ${message}`);
    Deno.exit(name === "InterruptedError" ? 130 : 1);
  }
  Deno.exit(0);
}
