import { assertEquals, assertNotEquals } from "@std/assert";
import { loadExperiment } from "@/experiments/mod.ts";
import { writePhantomDataset } from "@/phantom/mod.ts";
import { loadStageData, trainStage } from "@/training/mod.ts";
import { withFolder } from "../data/small_dataset.ts";
import { assertSameOutcome } from "./crash.ts";

Deno.test("trainStage() with the same seed gives a phantom stage the same bits, with all threads", () =>
  withFolder(async (root) => {
    await writePhantomDataset({
      directory: root,
      train: 16,
      test: 0,
      seed: 1,
      difficulty: "clear",
    });
    // The stage of the notebooks, encoder and augmentation included, on fewer and smaller films.
    const experiment = await loadExperiment("phantom/1-128", {
      quick: false,
      overrides: [
        "data.size=64",
        "data.split.validation=0.4",
        "model.architecture=encoder-unet", // which is traced in half the time
        "model.startFilters=4",
        "training.epochs=2",
        "training.batch=4",
      ],
    });
    const data = await loadStageData(experiment, { root });
    const train = () => trainStage(experiment, { data, runs: `${root}/runs` });
    const [first, second] = [await train(), await train()];
    assertNotEquals(second.id, first.id);
    assertSameOutcome(second, first);
    const { TF_DETERMINISTIC_OPS: recorded } = first.environment;
    if (first.device.gpu === null && recorded !== "0") assertEquals(recorded, "1");
  }));
