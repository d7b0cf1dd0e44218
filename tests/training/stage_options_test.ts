import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import type { Prepared } from "@/data/mod.ts";
import { type CheckpointName, listRuns, type Run } from "@/experiments/mod.ts";
import { decodeSafetensors, sha256File, type StoredTensor } from "@/files/mod.ts";
import { createModel } from "@/model/mod.ts";
import { historyCsv, trainStage } from "@/training/mod.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";
import { discExperiment, discs } from "./discs.ts";

const DATA = discs({ training: 6, validation: 3 });

type Tensors = Map<string, StoredTensor>;

async function withFolder(test: (runs: string) => Promise<void>): Promise<void> {
  const runs = await Deno.makeTempDir();
  await test(runs).finally(() => Deno.remove(runs, { recursive: true }));
}

async function weightsOf(run: Run, name: CheckpointName, runs: string): Promise<Tensors> {
  const { file } = run.checkpoints[name]!;
  return decodeSafetensors(await Deno.readFile(join(runs, run.id, file)), file).tensors;
}

Deno.test("trainStage() makes the averages asked for, and the final one of them", async () => {
  const experiment = await discExperiment("first", [
    "training.epochs=3",
    "training.batch=6", // one step an epoch
    "training.positiveShare=null",
    "training.learningRate={ schedule: cosine-restarts, initial: 1e-2, cycleEpochs: 1 }",
    "training.swa={ startEpoch: 2, each: cycle, batches: 1 }",
    "training.ema={ decay: 0.2, batches: 1 }",
    "training.bestK={ count: 2, batches: 1 }",
    "training.final=ema",
  ]);
  const model = createModel({ ...experiment.model, seed: experiment.seed });
  const start = new Map(model.weights.trainable.map(({ name, variable }) => {
    return [`weights/${name}`, Float32Array.from(variable.dataSync())];
  }));
  model.dispose();
  await withFolder(async (runs) => {
    const after: Tensors[] = [];
    const before = memory();
    const run = await trainStage(experiment, {
      data: DATA,
      runs,
      onEpoch: async () => {
        const { runs: [now] } = await listRuns({ runs });
        after.push(await weightsOf(now!, "last", runs));
      },
    });
    assertEquals(memory(), before);
    assertEquals(run.checkpoints.final, run.checkpoints.ema);
    const names = ["best-dice", "best-iou", "best-k", "best-loss", "ema", "final", "last", "swa"];
    assertEquals<string[]>(Object.keys(run.checkpoints).sort(), names);

    const [swa, ema, bestK] = await Promise.all([
      weightsOf(run, "swa", runs),
      weightsOf(run, "ema", runs),
      weightsOf(run, "best-k", runs),
    ]);
    const ranked = run.metrics
      .toSorted((a, b) => b.validationDice! - a.validationDice! || a.epoch - b.epoch);
    const [first, second] = ranked.map(({ epoch }) => after[epoch - 1]!);
    for (const [name, values] of start) {
      const at = (tensors: Tensors, i: number) => tensors.get(name)!.data[i]!;
      const [one, two, three] = after as [Tensors, Tensors, Tensors];
      // The decays of three steps: 1 / 10, 2 / 11, and 0.2, which is below 3 / 12.
      const moving = [...values].map((value, i) => {
        const afterOne = 0.1 * value + 0.9 * at(one, i);
        const afterTwo = 2 / 11 * afterOne + 9 / 11 * at(two, i);
        return 0.2 * afterTwo + 0.8 * at(three, i);
      });
      assertClose(ema.get(name)!.data, moving, 1e-5, name);
      const mean = (a: Tensors, b: Tensors) => [...values].map((_, i) => (at(a, i) + at(b, i)) / 2);
      assertClose(swa.get(name)!.data, mean(two, three), 1e-5, name);
      assertClose(bestK.get(name)!.data, mean(first!, second!), 1e-5, name);
    }
    // Statistics are those of the averaged weights: of one batch, with no trace of the epochs'.
    const statistic = "weights/stem_bn/moving_mean";
    const found = [swa, ema, after[2]!].map((tensors) => tensors.get(statistic)!.data.join());
    assertEquals(new Set(found).size, 3);

    const files = Object.values(run.checkpoints).map(({ file }) => file);
    const left = [...Deno.readDirSync(join(runs, run.id))].map(({ name }) => name)
      .filter((name) => name.endsWith(".safetensors"));
    assertEquals(new Set(left), new Set(files));
    const history = await Deno.readTextFile(join(runs, run.id, "history.csv"));
    assertEquals(history, historyCsv(run.metrics));
  });
});

Deno.test("trainStage() lowers the rate on a plateau, and stops early", async () => {
  const experiment = await discExperiment("first", [
    "training.epochs=9",
    "training.batch=6",
    "training.positiveShare=null",
    // No dice rises by 2: the first validation is the best for good.
    "training.learningRate={ schedule: plateau, initial: 1e-3, patience: 1, minimumChange: 2 }",
    "training.earlyStopping={ metric: loss, patience: 3, minimumChange: 99 }",
    "training.optimizer={ kind: sgd, momentum: 0.9, nesterov: true }",
    "training.gradientClipping={ by: value, limit: 0.1 }",
    "training.loss={ symmetricLovasz: 1, lovasz: 0.5 }",
    "training.swa={ startEpoch: 9 }",
  ]);
  await withFolder(async (runs) => {
    const run = await trainStage(experiment, { data: DATA, runs });
    assertEquals(run.status, "finished");
    const rates = run.metrics.map(({ learningRate }) => learningRate);
    assertEquals(rates, [1e-3, 1e-3, 5e-4, 2.5e-4]);
    // The average would have begun later.
    assertEquals(run.checkpoints.swa, undefined);
    assertEquals(run.checkpoints.final, run.checkpoints["best-dice"]);
  });
});

Deno.test("trainStage() stops at a loss that is not finite, names the films, keeps the checkpoint", async () => {
  const experiment = await discExperiment("first", [
    "training.batch=3",
    "training.positiveShare=null",
  ]);
  let reads = 0;
  const readImage = async (id: string) => {
    const isSecondEpoch = reads++ >= 9;
    const image = await DATA.prepared.readImage(id);
    return isSecondEpoch && id === "disc-4" ? new Float32Array(image.length).fill(NaN) : image;
  };
  const prepared = { ...DATA.prepared, readImage } as unknown as Prepared;
  await withFolder(async (runs) => {
    const before = memory();
    const error = await assertRejects(
      () => trainStage(experiment, { data: { ...DATA, prepared }, runs }),
      RangeError,
      "the loss is not finite: NaN in batch",
    );
    assertEquals(memory(), before);
    assertStringIncludes(error.message, "the checkpoints after epoch 1 are kept");
    const films = /of the films (.*?);/.exec(error.message)![1]!.split(", ");
    assertEquals(films.length, 3);
    assert(films.includes("disc-4"), error.message);

    const { runs: [run] } = await listRuns({ runs });
    assertEquals([run!.status, run!.metrics.length], ["failed", 1]);
    assertStringIncludes(run!.reason!, "the loss is not finite");
    const { file, sha256, epoch } = run!.checkpoints.last!;
    assertEquals(epoch, 1);
    assertEquals(await sha256File(join(runs, run!.id, file)), sha256);
  });
});

Deno.test("trainStage() stops at weights that its last step broke", async () => {
  const experiment = await discExperiment("first", [
    "training.batch=6",
    "training.positiveShare=null",
    "training.learningRate={ schedule: constant, initial: 1e38 }",
    "validation.everyEpochs=2",
  ]);
  await withFolder(async (runs) => {
    await assertRejects(
      () => trainStage(experiment, { data: DATA, runs }),
      RangeError,
      "a weight is not finite after epoch 1",
    );
    const { runs: [run] } = await listRuns({ runs });
    assertEquals([run!.status, Object.keys(run!.checkpoints)], ["failed", []]);
  });
});
