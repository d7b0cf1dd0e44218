import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readMaskPng } from "@/data/mod.ts";
import { parseDicom } from "@/dicom/mod.ts";
// Loaded here, the library does not count as something that a test leaves behind.
import "@/tensorflow/mod.ts";
import { main as importFilms } from "../../src/cli/import.ts";
import { main as predict } from "../../src/cli/predict.ts";
import { main as train } from "../../src/cli/train.ts";
import { ownFilms, writeOwnFilm, writeOwnMask } from "../data/own_films.ts";
import { captured } from "./console.ts";
import { withRuns } from "./with_runs.ts";

Deno.test("data/your-own-data.md: own films and masks are imported, trained on and predicted", () =>
  withRuns(async (folder) => {
    const [films, masks, output] = ["films", "masks", "set"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const own = ownFilms(12);
    for (const film of own) {
      await writeOwnFilm(films, film);
      await writeOwnMask(masks, film);
    }
    const imported = await captured(() =>
      importFilms([films, "--masks", masks, "--output", output])
    );
    assertEquals(imported.code, 0, imported.error);
    assertStringIncludes(imported.out, "12 films, 8 with a finding");

    const fields = [
      "data.size=64",
      "data.split.validation=0.4",
      "model.startFilters=2",
      "training.epochs=1",
      "training.batch=2",
      "postprocessing.threshold=0",
      "postprocessing.minimumArea=0",
      "postprocessing.flip=false",
    ].flatMap((field) => ["--set", field]);
    const trained = await captured(() => train(["own/1-128", "--data", output, ...fields]));
    assertEquals(trained.code, 0, trained.error);

    const result = join(folder, "result");
    const options = ["--run", "own/1-128", "--output", result, "--dicom-seg", "--json"];
    const predicted = await captured(() => predict([films, ...options]));
    assertEquals(predicted.code, 0, predicted.error);
    assertStringIncludes(predicted.out, "12 films, 12 with pleural effusion");
    for (const { imageId, width, height } of own.slice(0, 4)) {
      await readMaskPng(join(result, "masks", `${imageId}.png`), { width, height });
      const path = join(result, "segmentations", `${imageId}.dcm`);
      const { metadata, dataSet } = parseDicom(await Deno.readFile(path), path);
      assertEquals([metadata.columns, metadata.rows], [width, height]);
      assertEquals(dataSet.string("x00700080"), "PLEURAL_EFFUSION");
    }
  }));

Deno.test("import answers wrong usage and missing data without a stack", () =>
  withRuns(async (folder) => {
    const calls: [string[], number, string][] = [
      [["--help"], 0, "Usage: deno task import"],
      [["--output", "x", "--masks", "m"], 2, "no folder of films is named"],
      [["a", "b", "--output", "x", "--masks", "m"], 2, "one folder must be named: a, b"],
      [["a", "--masks", "m"], 2, "add --output DIR"],
      [["a", "--output", "x"], 2, "--masks DIR or --rle FILE"],
      [["a", "--output", "x", "--masks", "m", "--rle", "r"], 2, "--masks DIR or --rle FILE"],
      [["a", "--output", "x", "--masks", "m", "--rle-starts"], 2, "--rle-starts belongs to --rle"],
      [["a", "--output", "x", "--masks", "m", "--without-mask", "y"], 2, "left-out or negative: y"],
      [[join(folder, "no"), "--output", join(folder, "x"), "--masks", "m"], 1, "no such folder"],
    ];
    for (const [args, code, message] of calls) {
      const result = await captured(() => importFilms(args));
      assertEquals(result.code, code, args.join(" "));
      assertStringIncludes(code === 0 ? result.out : result.error, message);
      assert(!/^\s+at /m.test(result.error), "no stack trace");
    }
    // A film without a mask is told; with --skip-bad that is no failure.
    const [first, second] = ownFilms(2);
    const [films, masks] = [join(folder, "films"), join(folder, "masks")];
    await writeOwnFilm(films, first!);
    await writeOwnFilm(films, second!);
    await writeOwnMask(masks, second!);
    const options = ["--masks", masks, "--output"];
    const told = await captured(() => importFilms([films, ...options, join(folder, "a")]));
    assertEquals(told.code, 1);
    assertStringIncludes(told.error, "case_00.dcm: it has no mask: it is unlabelled");
    const skipped = [films, ...options, join(folder, "b"), "--skip-bad"];
    assertEquals((await captured(() => importFilms(skipped))).code, 0);
  }));
