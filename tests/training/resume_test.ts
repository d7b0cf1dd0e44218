import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { listRuns, type Run } from "@/experiments/mod.ts";
import { decodeSafetensors, type StoredTensor } from "@/files/mod.ts";
import { trainStage } from "@/training/mod.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";
import { interruptibleStage } from "./discs.ts";

const SCRIPT = fileURLToPath(new URL("run_stage.ts", import.meta.url));
const stage = await interruptibleStage();

/** Runs the stage in another process, which stops itself there; see `run_stage.ts`. */
async function runUntil(
  runs: string,
  { signal, epoch, batch }: { signal: Deno.Signal; epoch: number; batch: number },
): Promise<Deno.CommandOutput> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", SCRIPT, runs, signal, `${epoch}`, `${batch}`],
    stdin: "null",
    stderr: "piped",
  });
  return await command.output();
}

/** The only run in a folder. */
async function onlyRun(runs: string): Promise<Run> {
  const { runs: list, unreadable } = await listRuns({ runs });
  assertEquals([list.length, unreadable], [1, []]);
  return list[0]!;
}

function withoutTimes({ metrics }: Run) {
  return metrics.map(({ seconds: _, ...values }) => values);
}

async function withFolder(test: (runs: string) => Promise<void>): Promise<void> {
  const runs = await Deno.makeTempDir();
  await test(runs).finally(() => Deno.remove(runs, { recursive: true }));
}

type Tensors = Map<string, StoredTensor>;

/** The run that is never stopped. */
interface WholeRun {
  run: Run;
  /** Its last checkpoint after each epoch. */
  afterEpoch: Tensors[];
  averaged: Tensors;
  /** Before and after it. */
  memory: [ReturnType<typeof memory>, ReturnType<typeof memory>];
}

let whole: Promise<WholeRun> | undefined;

/** The run that the others must equal; the first test that asks makes it. */
function wholeRun(): Promise<WholeRun> {
  whole ??= (async () => {
    const runs = await Deno.makeTempDir();
    const read = async (id: string, { file }: { file: string }): Promise<Tensors> =>
      decodeSafetensors(await Deno.readFile(join(runs, id, file)), file).tensors;
    const before = memory();
    const afterEpoch: Tensors[] = [];
    const run = await trainStage(stage.experiment, {
      data: stage.data,
      runs,
      onEpoch: async () => {
        const { id, checkpoints } = await onlyRun(runs);
        afterEpoch.push(await read(id, checkpoints.last!));
      },
    });
    const after = memory();
    const averaged = await read(run.id, run.checkpoints.swa!);
    await Deno.remove(runs, { recursive: true });
    return { run, afterEpoch, averaged, memory: [before, after] };
  })();
  return whole;
}

/** Checkpoints, their hashes among them, and metrics are those of the run that was never stopped. */
async function assertSame(run: Run): Promise<void> {
  const { run: expected } = await wholeRun();
  assertEquals(run.status, "finished");
  assertEquals(withoutTimes(run), withoutTimes(expected));
  assertEquals(run.checkpoints, expected.checkpoints);
}

function goOn(runs: string): Promise<Run> {
  return trainStage(stage.experiment, { data: stage.data, runs });
}

Deno.test("trainStage() averages the last epochs' weights, and frees everything", async () => {
  const { run, afterEpoch, averaged, memory: [before, after] } = await wholeRun();
  assertEquals(after, before);

  // Every second epoch is validated, and the last one.
  const validated = run.metrics.map(({ validationLoss }) => validationLoss !== undefined);
  assertEquals(validated, [false, true, true]);

  const { swa, final } = run.checkpoints;
  assertEquals(final, swa);
  assert(Number.isFinite(swa!.value));
  const [, second, third] = afterEpoch;
  let statistics = 0, moved = 0;
  for (const [name, { data }] of averaged) {
    assert(name.startsWith("weights/"), name);
    const [a, b] = [second!.get(name)!.data, third!.get(name)!.data];
    if (name.includes("/moving_")) {
      // Estimated anew: neither averaged, nor those of the last epoch.
      statistics++;
      const isOther = (value: number, i: number) =>
        Math.abs(value - (a[i]! + b[i]!) / 2) > 1e-4 && Math.abs(value - b[i]!) > 1e-4;
      if (data.some(isOther)) moved++;
      continue;
    }
    const mean = [...a].map((value, i) => (value + b[i]!) / 2);
    assertClose(data, mean, 1e-6, name);
  }
  assertGreater(statistics, 50);
  assertGreater(moved, statistics / 2);
});

Deno.test("trainStage() stopped by Ctrl-C within a window goes on to the same bits", async () => {
  await withFolder(async (runs) => {
    const { code } = await runUntil(runs, { signal: "SIGINT", epoch: 2, batch: 1 });
    assertEquals(code, 130);
    const stopped = await onlyRun(runs);
    assertEquals([stopped.status, stopped.reason], ["interrupted", "Stopped by SIGINT"]);
    assertEquals(stopped.metrics.length, 1);
    assertEquals(stopped.checkpoints.last!.epoch, 1);
    // The signal is seen after the first batch or the second: the window is one of three.
    assertMatch(stopped.checkpoints.last!.file, /^last-0001-[12]\.safetensors$/);
    assertEquals(stopped.resumed, []);

    const run = await goOn(runs);
    assertEquals(run.id, stopped.id);
    assertEquals(run.resumed.map(({ afterEpoch }) => afterEpoch), [1]);
    assertEquals(run.reason, null);
    await assertSame(run);
  });
});

Deno.test("trainStage() stopped in its validation and before its average goes on", async () => {
  await withFolder(async (runs) => {
    // The signal comes with the epoch's last batch, and is seen between two validation batches.
    const first = await runUntil(runs, { signal: "SIGTERM", epoch: 2, batch: 5 });
    assertEquals(first.code, 130);
    const inValidation = await onlyRun(runs);
    assertEquals(inValidation.reason, "Stopped by SIGTERM");
    assertEquals(inValidation.metrics.length, 1);
    assertEquals(inValidation.checkpoints.last!.file, "last-0001-5.safetensors");
    const second = await runUntil(runs, { signal: "SIGINT", epoch: 3, batch: 0 });
    assertEquals(second.code, 130);
    const stopped = await onlyRun(runs);
    assertEquals([stopped.status, stopped.metrics.length], ["interrupted", 3]);
    assertEquals(stopped.checkpoints.final, undefined);

    const run = await goOn(runs);
    assertEquals(run.resumed.length, 2);
    assertEquals(run.resumed[1]!.afterEpoch, 3);
    await assertSame(run);
  });
});

Deno.test("trainStage() killed at once goes on from the last epoch's end", async () => {
  await withFolder(async (runs) => {
    const { signal } = await runUntil(runs, { signal: "SIGKILL", epoch: 3, batch: 2 });
    assertEquals(signal, "SIGKILL");
    const stopped = await onlyRun(runs);
    assertEquals([stopped.status, stopped.metrics.length], ["interrupted", 2]);
    assertEquals(stopped.checkpoints.last!.epoch, 2);
    // What a checkpoint that was being written, or not yet on record, would have left.
    const folder = join(runs, stopped.id);
    for (const name of ["last-0003.safetensors.12ab34cd.partial", "best-dice-0003.safetensors"]) {
      await Deno.writeTextFile(join(folder, name), "half a checkpo");
    }

    const run = await goOn(runs);
    assertEquals(run.resumed.map(({ afterEpoch }) => afterEpoch), [2]);
    await assertSame(run);
    const files = Object.values(run.checkpoints).map(({ file }) => file);
    const left = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assertEquals(left, [...new Set([...files, "run.yaml"])].sort());
  });
});
