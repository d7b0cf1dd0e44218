import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { listRuns, type Run } from "@/experiments/mod.ts";
import { Random } from "@/random/mod.ts";
import { trainStage } from "@/training/mod.ts";
import { withFolder } from "../data/small_dataset.ts";
import { assertSameOutcome, TRY_ALL } from "./crash.ts";
import { tinyStage } from "./discs.ts";
import type { Moment } from "./kill_stage.ts";

const SCRIPT = fileURLToPath(new URL("kill_stage.ts", import.meta.url));
const stage = await tinyStage("training.checkpointMinutes=1e-9");

/** Starts the stage, or goes on with it, in a process that kills itself; says whether it did. */
async function killAt(runs: string, moment: Moment): Promise<boolean> {
  const { success, signal, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", SCRIPT, runs, moment],
    stdin: "null",
    stderr: "piped",
  }).output();
  if (!success) assertEquals(signal, "SIGKILL", new TextDecoder().decode(stderr));
  return !success;
}

async function onlyRun(runs: string): Promise<Run> {
  const { runs: list, unreadable } = await listRuns({ runs });
  assertEquals([list.length, unreadable], [1, []]);
  return list[0]!;
}

let whole: Promise<Run> | undefined;
/** The run that is never stopped. */
function wholeRun(): Promise<Run> {
  return whole ??= (async () => {
    let run: Run | undefined;
    await withFolder(async (runs) => {
      run = await trainStage(stage.experiment, { data: stage.data, runs });
    });
    return run!;
  })();
}

/** Goes on to the end, where the run must be as if nothing had been. */
async function finish(runs: string): Promise<void> {
  const [last] = (await listRuns({ runs })).runs;
  if (last?.status !== "finished") {
    await trainStage(stage.experiment, { data: stage.data, runs });
  }
  assertSameOutcome(await onlyRun(runs), await wholeRun());
}

Deno.test("trainStage() killed in validation, in a window, and in averaging goes on to the same bits", async () => {
  await withFolder(async (runs) => {
    const moments: [Moment, epochs: number, last: RegExp][] = [
      ["validation 1", 0, /^last-0000-3\.safetensors$/],
      ["window 2", 1, /^last-0001-1\.safetensors$/],
      ["average 2", 2, /^last-0002\.safetensors$/],
    ];
    for (const [moment, epochs, last] of moments) {
      assertEquals(await killAt(runs, moment), true, moment);
      const { status, reason, metrics, checkpoints } = await onlyRun(runs);
      assertEquals([status, reason], ["interrupted", "the process is gone"], moment);
      assertEquals(metrics.length, epochs, moment);
      assertMatch(checkpoints.last!.file, last, moment);
    }
    await finish(runs);
  });
});

Deno.test({
  name: "trainStage() killed as it reads any film goes on to the same bits",
  ignore: !TRY_ALL,
  fn: async () => {
    for (let read = 1, killed = true; killed; read++) {
      await withFolder(async (runs) => {
        killed = await killAt(runs, `read ${read}`);
        await finish(runs);
      });
      assert(killed || read > 24, "no run reads less than its films in two epochs");
    }
  },
});

Deno.test({
  name: "trainStage() killed at random, again and again, goes on to the same bits",
  ignore: !TRY_ALL,
  fn: async () => {
    let kills = 0;
    for (let series = 1; series <= 10; series++) {
      const random = new Random(series, "kill");
      await withFolder(async (runs) => {
        const isFinished = async () =>
          (await listRuns({ runs })).runs.some(({ status }) => status === "finished");
        for (let n = 0; n < 8 && !await isFinished(); n++) {
          if (await killAt(runs, `after ${random.integer(2000)}`)) kills++;
        }
        await finish(runs);
      });
    }
    assertGreater(kills, 10);
  },
});
