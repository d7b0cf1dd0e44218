import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { join } from "node:path";
import { listRuns, readRun, type Run } from "@/experiments/mod.ts";
import { CheckpointError, trainStage } from "@/training/mod.ts";
import { withFolder } from "../data/small_dataset.ts";
import { assertSameOutcome, type Failure, sampleOf, withFailingDisk } from "./crash.ts";
import { tinyStage } from "./discs.ts";

const stage = await tinyStage();
const train = (runs: string) => trainStage(stage.experiment, { data: stage.data, runs });

let whole: Promise<{ run: Run; operations: number }> | undefined;
/** The run that is never stopped, and its file operations; the first test that asks makes it. */
function wholeRun(): Promise<{ run: Run; operations: number }> {
  whole ??= (async () => {
    let run: Run | undefined, operations = 0;
    await withFolder(async (runs) => {
      const start = async () => void (run = await train(runs));
      ({ operations } = await withFailingDisk({ at: 0, failure: "crash" }, start));
    });
    return { run: run!, operations };
  })();
  return whole;
}

/** The newest finished run of a folder came to the same metrics and weights as the whole run. */
async function assertSame(runs: string): Promise<Run> {
  const { run: expected } = await wholeRun();
  const [run] = (await listRuns({ runs, status: "finished" })).runs;
  assertSameOutcome(run!, expected);
  return run!;
}

/** Makes the records of this process those of one that is gone. */
async function forgetProcess(runs: string): Promise<void> {
  for (const { name } of Deno.readDirSync(runs)) {
    const file = join(runs, name, "run.yaml");
    const text = await Deno.readTextFile(file).catch(() => undefined);
    if (text) await Deno.writeTextFile(file, text.replace(/ticks: \d+/, "ticks: 1"));
  }
}

for (const failure of ["crash", "full"] satisfies Failure[]) {
  const what = failure === "crash" ? "that crashes" : "whose disk is full";
  Deno.test(`trainStage() ${what} at any file operation goes on to the same bits`, async () => {
    const { operations: count } = await wholeRun();
    assertGreater(count, 100);
    let resumed = 0;
    for (const at of sampleOf(Array.from({ length: count }, (_, i) => i + 1), 4, failure)) {
      await withFolder(async (runs) => {
        const stopped = await withFailingDisk({ at, failure }, async () => {
          await train(runs).catch((error) => {
            const expected = failure === "crash" ? "ECRASH" : "mend the cause (ENOSPC)";
            assert(String(error).includes(expected) || error.code === "ECRASH", `${at}: ${error}`);
          });
        });
        assertGreater(stopped.operations, at - 1);
        if (failure === "crash") await forgetProcess(runs);
        // A failing removal of what was no longer needed does not stop the stage.
        const before = await listRuns({ runs, status: "finished" });
        if (before.runs.length === 0) await train(runs);
        const run = await assertSame(runs);
        resumed += run.resumed.length;
      });
    }
    assertGreater(resumed, 0);
  });
}

Deno.test("trainStage() saves long epochs in their middle, and goes on from there", async () => {
  const { experiment, data } = await tinyStage("training.checkpointMinutes=1e-9");
  await withFolder(async (runs) => {
    const stop = new Error("stopped by the test");
    const onBatch = ({ epoch, batch }: { epoch: number; batch: number }) => {
      if (epoch === 2 && batch === 3) throw stop;
    };
    await assertRejects(() => trainStage(experiment, { data, runs, onBatch }), Error, stop.message);
    const [stopped] = (await listRuns({ runs })).runs;
    assertEquals([stopped!.status, stopped!.reason], ["interrupted", stop.message]);
    assertEquals(stopped!.checkpoints.last!.file, "last-0001-2.safetensors");
    assertEquals(stopped!.checkpoints.previous!.file, "last-0001-1.safetensors");
    await trainStage(experiment, { data, runs });
    await assertSame(runs);
  });
});

Deno.test("trainStage() that runs out of memory goes on to the same bits", async () => {
  const { experiment, data } = stage;
  // How V8 says that it has no memory for an array: an error of the same class as a wrong argument.
  const failure = new RangeError("Array buffer allocation failed");
  let reads = 0;
  const readImage = (imageId: string) => {
    if (++reads === 17) throw failure;
    return data.prepared.readImage(imageId);
  };
  const prepared = Object.assign(Object.create(data.prepared), { readImage });
  await withFolder(async (runs) => {
    const run = () => trainStage(experiment, { data: { ...data, prepared }, runs });
    await assertRejects(run, RangeError, failure.message);
    const [stopped] = (await listRuns({ runs })).runs;
    assertEquals([stopped!.status, stopped!.reason], ["interrupted", failure.message]);
    await train(runs);
    assertEquals((await assertSame(runs)).id, stopped!.id);
  });
});

Deno.test("trainStage() refuses a damaged checkpoint, and goes on from the one before it", async () => {
  const { experiment, data } = await tinyStage("training.checkpointMinutes=1e-9");
  await withFolder(async (runs) => {
    const onBatch = ({ epoch, batch }: { epoch: number; batch: number }) => {
      if (epoch === 2 && batch === 3) throw new Error("stopped by the test");
    };
    await assertRejects(() => trainStage(experiment, { data, runs, onBatch }));
    const [stopped] = (await listRuns({ runs })).runs;
    const { id, checkpoints } = stopped!;
    const file = join(runs, id, checkpoints.last!.file);
    const bytes = await Deno.readFile(file);
    bytes[bytes.length - 5]! ^= 1;
    await Deno.writeFile(file, bytes);

    await assertRejects(
      () => trainStage(experiment, { data, runs }),
      CheckpointError,
      `${file} as its SHA-256 is not the one in the run's record`,
    );
    assertEquals((await readRun(id, runs)).status, "interrupted");
    const run = await trainStage(experiment, { data, runs, previous: true });
    assertEquals(run.id, id);
    await assertSame(runs);
  });
});

Deno.test("trainStage() has nothing before the last checkpoint where nothing was interrupted", async () => {
  await withFolder(async (runs) => {
    await assertRejects(
      () => trainStage(stage.experiment, { data: stage.data, runs, previous: true }),
      CheckpointError,
      "no interrupted run has one",
    );
  });
});
