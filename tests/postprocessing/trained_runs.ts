import { join } from "node:path";
import {
  type CheckpointName,
  type Experiment,
  loadExperiment,
  type Run,
  RunRecord,
} from "@/experiments/mod.ts";
import { createModel } from "@/model/mod.ts";
import { loadStageData, writeCheckpoint } from "@/training/mod.ts";
import { rectangle, writeFilm } from "../data/small_dataset.ts";

/** Writes eight training films, every second one with a pneumothorax, of men and women in turn. */
export async function writeSmallDataset(root: string): Promise<void> {
  const rows = ["ImageId, EncodedPixels"];
  for (let i = 0; i < 8; i++) {
    const imageId = `film-${i}`;
    await writeFilm(root, "train", { imageId, grey: 20 * i });
    rows.push(`${imageId}, ${i % 2 === 0 ? rectangle(40 * i, 100, 300, 500) : "-1"}`);
  }
  await Deno.writeTextFile(join(root, "train-rle.csv"), `${rows.join("\n")}\n`);
}

/** An experiment with a network that is traced in no time. */
export async function tinyExperiment(...overrides: string[]): Promise<Experiment> {
  return await loadExperiment("phantom/1-128", {
    quick: false,
    overrides: [
      "data.size=32",
      "data.split.validation=0.5",
      "model={ architecture: unet, startFilters: 1, prior: 0.5 }",
      ...overrides,
    ],
  });
}

/** Writes a run on a data set that was never trained: each checkpoint has weights of its own seed. */
export async function writeRun(
  experiment: Experiment,
  root: string,
  seeds: Partial<Record<CheckpointName, number>>,
  { runs, finished = true }: { runs?: string; finished?: boolean } = {},
): Promise<Run> {
  const record = await RunRecord.start({
    experiment,
    data: {
      root: "small",
      hash: (await loadStageData(experiment, { root })).hash,
      films: { train: 4, validation: 4, test: 0 },
      excluded: [],
    },
    ...(runs !== undefined && { runs }),
  });
  for (const [name, seed] of Object.entries(seeds)) {
    const model = createModel({ ...experiment.model, seed });
    const weights = new Map(model.weights.all.map(({ name, variable }) => [name, variable]));
    const written = await writeCheckpoint(record.folder, `${name}.safetensors`, { weights }, {});
    model.dispose();
    await record.checkpoint(name as CheckpointName, { ...written, epoch: 1, value: null });
  }
  if (finished) await record.finish();
  else await record.interrupt();
  return record.run;
}
