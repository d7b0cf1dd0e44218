import { assertEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { launchWorkers } from "@/cluster/mod.ts";

const PROGRAM = fileURLToPath(new URL("launch_program.ts", import.meta.url));

function command(args: (string | number)[], env: Record<string, string>): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROGRAM, ...args.map(String)],
    env: { CUDA_VISIBLE_DEVICES: "", PNEUMOTHORAX_THREADS: "", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function launch(args: (string | number)[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await command(args, env).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: out!, errors: error!.trim().split("\n").sort() };
}

Deno.test("launchWorkers() gives each worker a GPU and its place, and names the others' lines", async () => {
  const { code, out, errors } = await launch([3, "0,1,3"], { PNEUMOTHORAX_THREADS: "5" });
  assertEquals([code, out], [0, "worker 0 of 3, gpu 0, threads 5\n"]);
  assertEquals(errors, [
    "worker 1: worker 1 of 3, gpu 1, threads 5",
    "worker 2: worker 2 of 3, gpu 3, threads 5",
  ]);
});

Deno.test("launchWorkers() parts the cores where there is no GPU", async () => {
  const { out } = await launch([2], { CUDA_VISIBLE_DEVICES: "0" });
  const threads = Math.max(1, Math.floor(navigator.hardwareConcurrency / 2));
  assertEquals(out, `worker 0 of 2, gpu , threads ${threads}\n`);
});

Deno.test("launchWorkers() returns the exit code of a worker that fails", async () => {
  assertEquals((await launch([2], { FAILS: "1" })).code, 3);
});

Deno.test("launchWorkers() stops the others when one fails that they do not know of", async () => {
  const { code, out, errors } = await launch([3], { FAILS: "1", WAITS: "1" });
  assertEquals(code, 3);
  assertEquals(errors.includes("worker 1 has ended with 3: the others are stopped"), true);
  assertEquals([out, ...errors].some((text) => text.includes("has waited")), false);
});

Deno.test("launchWorkers() hands Ctrl-C on, and waits for the workers", async () => {
  const child = command([2], { WAITS: "1" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; !text.includes("waits");) text += (await reader.read()).value;
  await new Promise((resolve) => setTimeout(resolve, 500)); // the other worker listens by then
  child.kill("SIGINT");
  assertEquals((await child.status).code, 130);
  await reader.cancel();
  await child.stderr.cancel();
});

Deno.test("launchWorkers() refuses more workers than GPUs", async () => {
  const start = () => launchWorkers({ workers: 3, args: [], gpus: ["0", "1"] });
  await assertRejects(
    start,
    RangeError,
    "NCCL wants a GPU for each of them, and there are 2: 0, 1",
  );
  await assertRejects(start, RangeError, "Use --workers 2, or the CPU: --set training.device=cpu");
});

Deno.test("launchWorkers() refuses a number that is none", async () => {
  for (const workers of [0, -1, 1.5, NaN]) {
    await assertRejects(
      () => launchWorkers({ workers, args: [], gpus: [] }),
      RangeError,
      `${workers}`,
    );
  }
});
