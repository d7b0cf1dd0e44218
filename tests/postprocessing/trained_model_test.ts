import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import {
  type Checkpoint,
  type CheckpointName,
  loadExperiment,
  type Run,
  RunRecord,
} from "@/experiments/mod.ts";
import { createModel, type SegmentationModel } from "@/model/mod.ts";
import { loadTrainedModel } from "@/postprocessing/mod.ts";
import { CheckpointError, writeCheckpoint } from "@/training/mod.ts";
import { withFolder } from "../data/small_dataset.ts";
import { memory } from "../tensorflow/assert_close.ts";

const EXPERIMENT = await loadExperiment("phantom/1-128", {
  quick: false,
  overrides: ["data.size=64", "model.startFilters=2"],
});

/** The weights that a model of the experiment starts with if it has another seed. */
function modelOf(seed: number, startFilters = 2): SegmentationModel {
  return createModel({ ...EXPERIMENT.model, startFilters, seed });
}

function valuesOf({ weights }: SegmentationModel) {
  return new Map(weights.all.map(({ name, variable }) => [name, variable.dataSync().slice()]));
}

/** Writes the record of a run that has these models as its checkpoints. */
async function writeRun(
  runs: string,
  models: Partial<Record<CheckpointName, SegmentationModel>>,
): Promise<Run> {
  const record = await RunRecord.start({
    experiment: EXPERIMENT,
    data: {
      root: "made-up",
      hash: "a hash",
      films: { train: 1, validation: 1, test: 0 },
      excluded: [],
    },
    runs,
  });
  for (const [name, { weights }] of Object.entries(models)) {
    const variables = new Map(weights.all.map(({ name, variable }) => [name, variable]));
    const groups = { weights: variables };
    const written = await writeCheckpoint(record.folder, `${name}.safetensors`, groups, {});
    const checkpoint: Checkpoint = { ...written, epoch: 1, value: null };
    await record.checkpoint(name as CheckpointName, checkpoint);
  }
  await record.finish();
  return record.run;
}

Deno.test("loadTrainedModel() gives the run's model the checkpoint's weights", () =>
  withFolder(async (runs) => {
    const models = { final: modelOf(11), "best-loss": modelOf(12) } as const;
    const run = await writeRun(runs, models);
    const before = memory();
    for (const checkpoint of ["final", "best-loss"] as const) {
      const trained = await loadTrainedModel(run, { checkpoint, runs });
      assertEquals(trained.run, run);
      assertEquals(trained.model.options.startFilters, 2);
      assertEquals(valuesOf(trained.model), valuesOf(models[checkpoint]));
      trained.model.dispose();
    }
    const { model } = await loadTrainedModel(run, { runs });
    assertEquals(valuesOf(model), valuesOf(models.final), "the default is the final one");
    model.dispose();
    assertEquals(memory().numTensors, before.numTensors);
    for (const model of Object.values(models)) model.dispose();
  }));

Deno.test("loadTrainedModel() refuses a run without the checkpoint, and tells what it has", () =>
  withFolder(async (runs) => {
    const model = modelOf(11);
    const run = await writeRun(runs, { last: model, "best-dice": model });
    model.dispose();
    const { message } = await assertRejects(() => loadTrainedModel(run, { runs }), CheckpointError);
    for (const part of [run.id, `no checkpoint "final"`, "last, best-dice", "finished"]) {
      assertStringIncludes(message, part);
    }
    const none = { ...run, status: "failed", checkpoints: {} } as const;
    const load = () => loadTrainedModel(none, { checkpoint: "swa", runs });
    await assertRejects(load, CheckpointError, "it has none, and its status is failed");
  }));

Deno.test("loadTrainedModel() refuses a file that is missing, damaged or of another network", () =>
  withFolder(async (runs) => {
    const [own, other] = [modelOf(11), modelOf(11, 3)];
    const run = await writeRun(runs, { final: own, last: own, swa: other });
    own.dispose();
    other.dispose();
    const before = memory();
    const path = (name: string) => join(runs, run.id, `${name}.safetensors`);

    await Deno.remove(path("last"));
    const missing = () => loadTrainedModel(run, { checkpoint: "last", runs });
    await assertRejects(missing, CheckpointError, `${path("last")} as it cannot be read`);

    const bytes = await Deno.readFile(path("final"));
    for (const damaged of [bytes.with(bytes.length - 1, 255 - bytes.at(-1)!), bytes.slice(0, 99)]) {
      await Deno.writeFile(path("final"), damaged);
      const load = () => loadTrainedModel(run, { runs });
      await assertRejects(load, CheckpointError, `${path("final")} as its SHA-256 is not`);
    }

    const stranger = () => loadTrainedModel(run, { checkpoint: "swa", runs });
    await assertRejects(stranger, CheckpointError, "does not fit");
    assertEquals(memory(), before);
  }));
