import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { checkpointScores, type Run, runFiles } from "@/experiments/mod.ts";

const at = (file: string, epoch: number, value: number | null) => {
  return { file, sha256: "", epoch, value };
};

Deno.test("checkpointScores() takes an average's own dice, and else that of the epoch", () => {
  const run = {
    metrics: [
      { epoch: 1, validationDice: 0.6 },
      { epoch: 2, validationDice: 0.4 },
      { epoch: 3 },
    ],
    checkpoints: {
      swa: at("swa", 3, 0.7),
      final: at("swa", 3, 0.7),
      last: at("last", 3, null),
      "best-loss": at("best-loss", 2, 0.123),
      "best-dice": at("best-dice", 1, 0.6),
    },
  } as unknown as Run;
  assertEquals(checkpointScores(run), [
    { checkpoint: "last", epoch: 3, dice: null, isFinal: false },
    { checkpoint: "best-loss", epoch: 2, dice: 0.4, isFinal: false },
    { checkpoint: "best-dice", epoch: 1, dice: 0.6, isFinal: false },
    { checkpoint: "swa", epoch: 3, dice: 0.7, isFinal: true },
  ]);
});

Deno.test("runFiles() lists the files of a run's folder by name", async () => {
  const runs = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(runs, "a-run", "folder"), { recursive: true });
    await Deno.writeTextFile(join(runs, "a-run", "run.yaml"), "12345");
    await Deno.writeTextFile(join(runs, "a-run", "history.csv"), "");
    assertEquals(await runFiles("a-run", runs), [
      { name: "history.csv", bytes: 0 },
      { name: "run.yaml", bytes: 5 },
    ]);
    await assertRejects(() => runFiles("no-run", runs), Deno.errors.NotFound);
  } finally {
    await Deno.remove(runs, { recursive: true });
  }
});
