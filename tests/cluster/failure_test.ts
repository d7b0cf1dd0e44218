import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { listRuns, type Run } from "@/experiments/mod.ts";
import { sha256File } from "@/files/mod.ts";
import { Random } from "@/random/mod.ts";
import type { StageProgram } from "./stage_program.ts";
import { train } from "./workers.ts";

const STAGE: StageProgram = {
  training: 36,
  validation: 3,
  timeout: 4,
  overrides: [
    "model={ architecture: unet, startFilters: 1 }",
    "training.epochs=3",
    "training.batch=6",
    "validation.everyEpochs=3",
  ],
};
const BATCHES = 3 * 6;

/** Each of these tests starts processes that load TensorFlow: all of them take minutes. */
const ALL = Deno.env.get("ALL_WORKERS") === "1";

async function withFolder(test: (runs: string) => Promise<void>): Promise<void> {
  const runs = await Deno.makeTempDir();
  await test(runs).finally(() => Deno.remove(runs, { recursive: true }));
}

async function runsIn(runs: string): Promise<Run[]> {
  const { runs: list, unreadable } = await listRuns({ runs });
  assertEquals(unreadable, []);
  return list;
}

const LOSSES = [
  { name: "SIGKILL", worker: 1, workers: 2, inSuite: true },
  { name: "SIGSTOP", worker: 1, workers: 2, inSuite: true },
  { name: "SIGKILL", worker: 0, workers: 2, inSuite: false },
  { name: "SIGSTOP", worker: 0, workers: 2, inSuite: false },
  { name: "SIGKILL", worker: 2, workers: 3, inSuite: false },
  { name: "SIGSTOP", worker: 1, workers: 3, inSuite: false },
] as const;
/** Other seeds take other moments. */
const SEED = Number(Deno.env.get("WORKERS_SEED") ?? 1);

for (const { name, worker, workers, inSuite } of LOSSES) {
  const batch = 1 + new Random(SEED, name, worker, workers).integer(BATCHES - 1);
  const title = `${name} of worker ${worker} of ${workers} after batch ${batch}`;
  Deno.test({
    name: `trainStage() ends all workers at ${title}, and goes on when all are started again`,
    ignore: !inSuite && !ALL,
    fn: () =>
      withFolder(async (runs) => {
        const outcomes = await train(workers, runs, { ...STAGE, signal: { name, worker, batch } });
        for (const [index, { code, stderr }] of outcomes.entries()) {
          if (index === worker) continue;
          assertEquals(code, 1, stderr);
          assertStringIncludes(stderr, "ClusterError: Cannot go on as ");
          assertStringIncludes(stderr, `worker ${worker} (127.0.0.1:`);
          const why = name === "SIGKILL" ? "its connection is closed" : "no sign of life for 4 s";
          assertStringIncludes(stderr, `is lost: `);
          assertStringIncludes(stderr, why);
        }
        const [lost] = await runsIn(runs);
        assert(lost);
        assertEquals(lost.status, "interrupted");
        if (worker !== 0) assertStringIncludes(lost.reason!, `worker ${worker} (127.0.0.1:`);
        const epochs = Math.floor(batch / 6);
        assert([epochs, epochs - 1].includes(lost.metrics.length), `${lost.metrics.length} epochs`);
        for (const { file, sha256 } of Object.values(lost.checkpoints)) {
          assertEquals(await sha256File(join(runs, lost.id, file)), sha256);
        }
        const again = await train(workers, runs, STAGE);
        assertEquals(again.map(({ code, stderr }) => [code, stderr]), again.map(() => [0, ""]));
        const finished = (await runsIn(runs)).filter(({ status }) => status === "finished");
        assertEquals(finished.map(({ metrics }) => metrics.length), [3]);
        assertEquals(finished[0]!.id, lost.id);
        const from = finished[0]!.resumed.map(({ afterEpoch }) => afterEpoch);
        assertEquals(from, [lost.metrics.length]);
      }),
  });
}

Deno.test("trainStage() names what differs between workers before the first step", () =>
  withFolder(async (runs) => {
    const outcomes = await train(2, runs, STAGE, {
      1: { dataHash: "another hash", overrides: STAGE.overrides },
    });
    for (const { code, stderr } of outcomes) {
      assertEquals(code, 1);
      assertStringIncludes(stderr, "ClusterError: Cannot train together as the workers differ: ");
      assertStringIncludes(stderr, "data is a hash of discs on worker 0 (127.0.0.1:");
      assertStringIncludes(stderr, " and another hash on worker 1 (127.0.0.1:");
    }
    assertEquals((await listRuns({ runs })).runs, []);
  }));
