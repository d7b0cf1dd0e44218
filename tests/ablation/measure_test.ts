import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { type AblationRow, measureRows, withAnnotations } from "@/ablation/mod.ts";
import { loadDataset } from "@/data/mod.ts";
import { writePhantomDataset } from "@/phantom/mod.ts";
import { Ensemble, loadTrainedModel, scorePredictions } from "@/postprocessing/mod.ts";
import { trainStage } from "@/training/mod.ts";
import { withFolder } from "../data/small_dataset.ts";
import { discExperiment, discs } from "../training/discs.ts";

const ROWS: AblationRow[] = [
  { group: "ensemble", name: "one", members: [{ experiment: "a" }], way: "system" },
  { group: "post-processing", name: "plain", members: [{ experiment: "a" }], way: "plain" },
  { group: "post-processing", name: "fitted", members: [{ experiment: "a" }], way: "fitted" },
  {
    group: "ensemble",
    name: "two",
    members: [{ experiment: "a" }, { experiment: "a", nextSeed: true }],
    way: "system",
  },
];

Deno.test("rows are scored with each seed as the models by themselves are", () =>
  withFolder(async (folder) => {
    const runs = join(folder, "runs");
    Deno.env.set("PNEUMOTHORAX_RUNS", runs);
    try {
      const root = join(folder, "phantom");
      await writePhantomDataset({ directory: root, train: 4, test: 3, seed: 1, workers: 1 });
      const dataset = await loadDataset(root);
      const test = await withAnnotations(dataset.test, join(root, "test-rle-truth.csv"));
      const bySeed = new Map();
      for (const seed of [1, 2]) {
        const experiment = await discExperiment("first", [`seed=${seed}`, "training.epochs=1"]);
        const data = discs({ training: 4, validation: 3 });
        bySeed.set(seed, await trainStage(experiment, { data }));
      }
      const options = {
        seeds: [1, 2],
        runs: new Map([["a", bySeed]]),
        root,
        validation: dataset.train,
        test,
      };
      const [one, plain, fitted, two] = await measureRows(ROWS, options);

      const alone = async (seeds: number[], flip: boolean, minimumArea: number) => {
        const models = await Promise.all(seeds.map((seed) => loadTrainedModel(bySeed.get(seed))));
        const ensemble = new Ensemble(models, { flip });
        const predictions = ensemble.predict(test, { root });
        const rule = { rule: "threshold", flip, threshold: 0.5, minimumArea } as const;
        const { metrics } = await scorePredictions(predictions, test, rule);
        ensemble.dispose();
        return metrics.dice;
      };
      assertEquals(one!.dice, [await alone([1], true, 2000), await alone([2], true, 2000)]);
      assertEquals(plain!.dice, [await alone([1], false, 0), await alone([2], false, 0)]);
      assertEquals(two!.dice, [await alone([1, 2], true, 2000), await alone([2, 1], true, 2000)]);
      assertEquals(fitted!.dice.length, 2);

      await assertRejects(
        () => measureRows(ROWS, { ...options, seeds: [1, 2, 3] }),
        RangeError,
        "a as it has no finished run with the seed 3",
      );
      await Deno.writeTextFile(join(root, "one.csv"), "ImageId,EncodedPixels\n");
      await assertRejects(
        () => withAnnotations(dataset.test, join(root, "one.csv")),
        RangeError,
        `Cannot score ${dataset.test[0]!.imageId}`,
      );
    } finally {
      Deno.env.delete("PNEUMOTHORAX_RUNS");
    }
  }));
