/**
 * Trains the stage of {@linkcode interruptibleStage} and stops itself in the middle, as a user or the
 * system would, for the tests: `run_stage.ts RUNS SIGNAL EPOCH BATCH`. With batch 0 the signal comes
 * after the epoch. Exits with 130 if it was interrupted.
 */
import { InterruptedError, trainStage } from "@/training/mod.ts";
import { interruptibleStage } from "./discs.ts";

const [runs, signal, epoch, batch] = Deno.args;
const { experiment, data } = await interruptibleStage();

async function stop(): Promise<void> {
  Deno.kill(Deno.pid, signal as Deno.Signal);
  await new Promise((resolve) => setTimeout(resolve, 100)); // until it has come
}

try {
  await trainStage(experiment, {
    data,
    runs: runs!,
    onBatch: (progress) => {
      if (progress.epoch === Number(epoch) && progress.batch === Number(batch)) void stop();
    },
    onEpoch: async (metrics) => {
      if (batch === "0" && metrics.length === Number(epoch)) await stop();
    },
  });
} catch (error) {
  if (!(error instanceof InterruptedError)) throw error;
  Deno.exit(130);
}
