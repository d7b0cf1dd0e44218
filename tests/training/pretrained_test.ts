import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { readRun } from "@/experiments/mod.ts";
import { decodeSafetensors } from "@/files/mod.ts";
import { convertFile, PretrainedError } from "@/pretrained/mod.ts";
import { trainStage } from "@/training/mod.ts";
import { timmFile } from "../pretrained/timm_file.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";
import { discExperiment, discs } from "./discs.ts";

Deno.test("trainStage() starts from pretrained weights, says so on record, and refuses bad ones", async () => {
  const data = discs({ training: 4, validation: 3 });
  const folder = await Deno.makeTempDir();
  const runs = join(folder, "runs");
  const before = memory();
  try {
    const { bytes, ours } = timmFile("efficientnet-b0", 17);
    const source = join(folder, "timm.safetensors"), file = join(folder, "b0.safetensors");
    await Deno.writeFile(source, bytes);
    const { sha256 } = await convertFile(source, "efficientnet-b0", file);
    // A learning rate of nothing: the trainable weights stay as they were before the first step.
    const experimentWith = (weights: string) =>
      discExperiment("first", [
        `model.weights=${weights}`,
        "training.epochs=1",
        "training.learningRate={ schedule: constant, initial: 1e-30 }",
      ]);

    const ill: [string, string][] = [
      [join(folder, "none.safetensors"), "there is no such file"],
      [source, 'it was not made by "deno task weights"'],
    ];
    for (const [weights, says] of ill) {
      const experiment = await experimentWith(weights);
      await assertRejects(() => trainStage(experiment, { data, runs }), PretrainedError, says);
    }
    await assertRejects(() => Deno.stat(runs), Deno.errors.NotFound, undefined);

    const run = await trainStage(await experimentWith(file), { data, runs });
    assertEquals(run.pretrained, { file: "b0.safetensors", sha256 });
    assertEquals((await readRun(run.id, runs)).pretrained, run.pretrained);
    const last = join(runs, run.id, run.checkpoints.last!.file);
    const { tensors } = decodeSafetensors(await Deno.readFile(last), last);
    for (const [name, values] of ours) {
      if (name.includes("/moving_")) continue;
      assertClose(tensors.get(`weights/${name}`)!.data, values, 1e-20, name);
    }

    const scratch = await discExperiment("first", ["training.epochs=1"]);
    assertEquals((await trainStage(scratch, { data, runs })).pretrained, null);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  assertEquals(memory(), before);
});
