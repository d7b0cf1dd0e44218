import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { listRuns, type Run } from "@/experiments/mod.ts";
import { decodeSafetensors } from "@/files/mod.ts";
import { distance } from "./distance.ts";
import type { StageProgram } from "./stage_program.ts";
import { train } from "./workers.ts";

const STAGE: StageProgram = {
  training: 12,
  validation: 3,
  overrides: [
    "model={ architecture: unet, startFilters: 1, dropout: 0 }",
    "training.epochs=1",
    "training.batch=6",
    "training.batchNorm=per-worker",
  ],
};

async function withFolder(test: (runs: string) => Promise<void>): Promise<void> {
  const runs = await Deno.makeTempDir();
  await test(runs).finally(() => Deno.remove(runs, { recursive: true }));
}

async function weightsOf(run: Run, runs: string, checkpoint: "last" | "swa") {
  const { file } = run.checkpoints[checkpoint]!;
  return decodeSafetensors(await Deno.readFile(join(runs, run.id, file)), file).tensors;
}

Deno.test("trainStage() re-estimates the statistics of an average over the films of all workers", () =>
  withFolder(async (runs) => {
    const overrides = [
      ...STAGE.overrides,
      "training.swa={ startEpoch: 1 }",
      "training.optimizer={ kind: sgd }",
      "training.learningRate={ schedule: cosine, initial: 1e-30, final: 0 }", // the weights stay
    ];
    const statistics = async (workers: number) => {
      const [chief] = await train(workers, runs, { ...STAGE, overrides });
      assertEquals([chief!.code, chief!.stderr], [0, ""]);
      const tensors = await weightsOf(chief!.run!, runs, "swa");
      return (name: string) => tensors.get(`weights/${name}`)!.data;
    };
    const [alone, together] = [await statistics(1), await statistics(2)];
    // The mean of the parts' means is that of the batch; the mean of their variances is not.
    const name = "x_0_0_bn1/moving_";
    assert(distance(together(`${name}mean`), alone(`${name}mean`)) < 1e-6);
    assert(distance(together(`${name}variance`), alone(`${name}variance`)) > 1e-6);
  }));

Deno.test("trainStage() records what workers average at each change of the weights", () =>
  withFolder(async (runs) => {
    const [chief] = await train(2, runs, { ...STAGE, overrides: [...STAGE.overrides] });
    assertEquals([chief!.code, chief!.stderr], [0, ""]);
    const weights = [...await weightsOf(chief!.run!, runs, "last")]
      .filter(([name]) => name.startsWith("weights/"))
      .reduce((sum, [, { data }]) => sum + data.length, 0);
    const { tensors, bytes, milliseconds } = chief!.run!.reduction!;
    assertEquals([tensors, bytes], [1, 4 * weights]); // with BatchNorm per worker, statistics too
    assert(milliseconds > 0);
  }));

Deno.test("trainStage() names the films of the worker whose loss is not finite", () =>
  withFolder(async (runs) => {
    const overrides = [...STAGE.overrides, "training.loss={ bce: 1, dice: 0 }"];
    const outcomes = await train(2, runs, { ...STAGE, overrides, broken: "disc-7" });
    for (const { code, stderr } of outcomes) {
      assertEquals(code, 1);
      assertMatch(
        stderr,
        /^DivergenceError: Cannot go on training as the loss is not finite: NaN in /m,
      );
      const [, films] = /of the films ([^;]+);/.exec(stderr)!;
      assertEquals(films!.split(", ").length, 3, "half of a batch");
      assertStringIncludes(films!, "disc-7");
    }
    const { runs: [run] } = await listRuns({ runs });
    assertEquals(run!.status, "failed");
  }));
