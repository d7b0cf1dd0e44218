import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { main } from "../../src/cli/train.ts";
import { rectangle, withFolder, writeFilm } from "../data/small_dataset.ts";
import "@/tensorflow/mod.ts"; // loaded by the command otherwise, and left loaded after the test
import { captured } from "./console.ts";

const train = (...args: string[]) => captured(() => main(args));

Deno.test("train --dry-run prints the plan of each stage, and writes nothing", () =>
  withFolder(async (root) => {
    const rows = ["ImageId, EncodedPixels"];
    for (const [i, imageId] of ["a", "b", "c", "d", "e", "f"].entries()) {
      await writeFilm(root, "train", { imageId });
      rows.push(`${imageId}, ${i % 2 === 0 ? rectangle(100, 100, 50, 60) : "-1"}`);
    }
    await Deno.writeTextFile(join(root, "train-rle.csv"), `${rows.join("\n")}\n`);
    const small = ["model.startFilters=1", "training.batch=1", "data.split.validation=0.3"];
    const { code, out, error } = await train(
      ...["phantom/1-128", "phantom/2-192", "--dry-run", "--data", root],
      ...small.flatMap((field) => ["--set", field]),
    );
    assertEquals([code, error], [0, ""]);
    assertStringIncludes(out, "5 for training (3 positive), 1 for validation, 0 left out; 128");
    assertStringIncludes(out, "of phantom/1-128, trained before");
    const names = (await Array.fromAsync(Deno.readDir(root))).map(({ name }) => name).sort();
    assertEquals(names, ["dicom-images-train", "train-rle.csv"]);

    const lost = await train("phantom/1-128", "--dry-run", "--data", join(root, "no"));
    assertEquals(lost.code, 1);
    assertStringIncludes(lost.error, "its folder is missing");
    assert(!/^\s+at /m.test(lost.error), "no stack trace");
  }));
