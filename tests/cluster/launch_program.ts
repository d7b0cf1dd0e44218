/** Starts workers, or is one: `launch_program.ts WORKERS [GPU,...] | work`, for the tests. */
import { fileURLToPath } from "node:url";
import { launchWorkers } from "@/cluster/mod.ts";

const [first, gpus] = Deno.args;
if (first !== "work") {
  const args = ["run", "-A", "--no-check", fileURLToPath(import.meta.url), "work"];
  Deno.exit(
    await launchWorkers({
      workers: Number(first),
      args,
      gpus: gpus ? gpus.split(",") : [],
      patience: 0.2,
    }),
  );
}
const { cluster, task } = JSON.parse(Deno.env.get("TF_CONFIG")!);
const gpu = Deno.env.get("CUDA_VISIBLE_DEVICES") ?? "none";
const threads = Deno.env.get("PNEUMOTHORAX_THREADS") ?? "all";
const say = task.index === 0 ? console.log : console.error;
say(`${task.type} ${task.index} of ${cluster.worker.length}, gpu ${gpu}, threads ${threads}`);
if (Deno.env.get("FAILS") === `${task.index}`) Deno.exit(3);
if (Deno.env.get("WAITS")) {
  Deno.addSignalListener("SIGINT", () => Deno.exit(130));
  if (task.index === 0) console.log("waits");
  setTimeout(() => say("has waited"), 30_000);
}
