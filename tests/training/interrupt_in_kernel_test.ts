import { assert, assertEquals, assertRejects } from "@std/assert";
import { listRuns, type Run } from "@/experiments/mod.ts";
import { Kernel, KernelError } from "@/jupyter/mod.ts";
import { trainStage } from "@/training/mod.ts";
import { withFolder } from "../data/small_dataset.ts";
import { assertSameOutcome } from "./crash.ts";
import { tinyStage } from "./discs.ts";

/** A cell as a notebook has it; `onBatch` is what happens to it in the middle of an epoch. */
function cell(runs: string, onBatch: string): string {
  return `
    import { trainStage } from "@/training/mod.ts";
    import { tinyStage } from "./discs.ts";
    const { experiment, data } = await tinyStage();
    const ended = await trainStage(experiment, {
      data,
      runs: ${JSON.stringify(runs)},
      onBatch: ({ epoch, batch }) => {
        ${onBatch}
      },
    });
    ended.status;`;
}

async function onlyRun(runs: string): Promise<Run> {
  const { runs: list, unreadable } = await listRuns({ runs });
  assertEquals([list.length, unreadable], [1, []]);
  return list[0]!;
}

/** Starts a kernel with a heap of 400 MB, so that too little memory is found soon. */
const start = () =>
  Kernel.start({
    cwd: import.meta.dirname!,
    env: { DENO_V8_FLAGS: "--max-old-space-size=400" },
  });

Deno.test("a notebook's stage survives the stop button, too little memory, and a lost kernel", async () => {
  await withFolder(async (runs) => {
    // The stop button sends SIGINT; the stage saves, the cell fails, the kernel lives on.
    let kernel = await start();
    try {
      const stop = `if (epoch === 1 && batch === 2) Deno.kill(Deno.pid, "SIGINT");`;
      const reply = await kernel.execute(cell(runs, stop));
      assertEquals([reply.status, reply.errorName], ["error", "InterruptedError"]);
      const stopped = await onlyRun(runs);
      assertEquals([stopped.status, stopped.reason], ["interrupted", "Stopped by SIGINT"]);
      assert(stopped.checkpoints.last !== undefined, "the batches that were done are saved");

      // The same cell again goes on; then the heap is full, which ends the kernel.
      const fill = `if (epoch === 2 && batch === 2) {
        const kept = [];
        for (;;) kept.push(Array.from({ length: 1e6 }, (_, i) => ({ i })));
      }`;
      await assertRejects(() => kernel.execute(cell(runs, fill)), KernelError, "process ended");
    } finally {
      await kernel.stop();
    }
    const without = await onlyRun(runs);
    assertEquals([without.status, without.metrics.length], ["interrupted", 1]);

    // A new kernel, which is killed: by the system, or with the machine.
    kernel = await start();
    try {
      const kill = `if (epoch === 2 && batch === 3) Deno.kill(Deno.pid, "SIGKILL");`;
      await assertRejects(() => kernel.execute(cell(runs, kill)), KernelError, "SIGKILL");
    } finally {
      await kernel.stop();
    }
    assertEquals((await onlyRun(runs)).status, "interrupted");

    const { experiment, data } = await tinyStage();
    const run = await trainStage(experiment, { data, runs });
    assertEquals(run.resumed.map(({ afterEpoch }) => afterEpoch), [0, 1, 1]);
    await withFolder(async (others) => {
      assertSameOutcome(run, await trainStage(experiment, { data, runs: others }));
    });
  });
});
