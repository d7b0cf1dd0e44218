import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { basename, join } from "node:path";
import { main } from "../../src/cli/predict.ts";
import { decodeRle, readMaskPng } from "@/data/mod.ts";
import { packBits, parseDicom } from "@/dicom/mod.ts";
import type { FilmReport } from "@/prediction/mod.ts";
import { trainStage } from "@/training/mod.ts";
import { type OwnFilm, ownFilms, writeOwnFilm } from "../data/own_films.ts";
import { writeFilm } from "../data/small_dataset.ts";
import { discExperiment, discs } from "../training/discs.ts";
import { captured } from "./console.ts";
import { withRuns } from "./with_runs.ts";

const predict = (...args: string[]) => captured(() => main(args));

async function names(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).sort();
}

Deno.test("predict writes masks, overlays, segmentations, JSON and one row for each film that can be read", () =>
  withRuns(async (folder) => {
    const experiment = await discExperiment("first", [
      "training.epochs=1",
      "training.batch=1",
      // Of an untrained model every pixel exceeds nothing, so that masks are full.
      "postprocessing={ rule: threshold, flip: false, threshold: 0, minimumArea: 0 }",
    ]);
    const run = await trainStage(experiment, { data: discs({ training: 2, validation: 1 }) });
    const films = join(folder, "films");
    await writeFilm(films, "test", { imageId: "one" });
    await writeFilm(films, "train", { imageId: "two", grey: 20 });
    const [, own] = ownFilms(2) as [OwnFilm, OwnFilm]; // 160 x 240, 12 bits, MONOCHROME1
    await writeOwnFilm(films, own);
    const output = join(folder, "result");
    const options = ["--run", "first", "--run", run.id, "--output", output];

    const good = await predict(films, ...options, "--png", "--dicom-seg", "--json");
    assertEquals(good.code, 0, good.error);
    assert(!good.error.includes("could not be used"), good.error);
    assertStringIncludes(good.out, "3 films, 3 with pneumothorax");
    const files = ["masks", "overlays", "predictions.json", "segmentations", "submission.csv"];
    assertEquals(await names(output), files);
    const ids = [own.imageId, "one", "two"];
    for (
      const [folder, ending] of [["masks", "png"], ["overlays", "png"], ["segmentations", "dcm"]]
    ) {
      assertEquals(
        await names(join(output, folder!)),
        ids.map((imageId) => `${imageId}.${ending}`),
      );
    }
    const rows = (await Deno.readTextFile(join(output, "submission.csv"))).trim().split("\n");
    assertEquals(rows.map((row) => row.split(",")[0]), ["ImageId", ...ids]);
    for (const row of rows.slice(1)) {
      const [imageId, rle] = row.split(",") as [string, string];
      const { width, height } = imageId === own.imageId ? own : { width: 1024, height: 1024 };
      const mask = await readMaskPng(join(output, "masks", `${imageId}.png`), { width, height });
      assertEquals(mask, decodeRle(rle, width, height));
      const path = join(output, "segmentations", `${imageId}.dcm`);
      const { dataSet, pixelData, metadata } = parseDicom(await Deno.readFile(path), path);
      assertEquals([metadata.columns, metadata.rows], [width, height]);
      const { dataOffset, length } = pixelData;
      assertEquals(dataSet.byteArray.slice(dataOffset, dataOffset + length), packBits(mask));
      assertEquals(dataSet.string("x00181020"), `${run.id}@final\\${run.id}@final`);
    }
    const report = JSON.parse(await Deno.readTextFile(join(output, "predictions.json")));
    assertEquals(report.models.length, 2);
    assertEquals(report.films.map(({ imageId }: FilmReport) => imageId), ids);
    const [film] = report.films as [FilmReport];
    assertEquals([film.width, film.height, film.areaPixels], [160, 240, 160 * 240]);
    assertEquals(film.areaMm2?.toFixed(6), (160 * 240 * 0.64).toFixed(6));
    assertEquals(film.dicomSegmentation, `segmentations/${own.imageId}.dcm`);

    // No DICOM file, and a film whose pixels are damaged.
    await Deno.writeTextFile(join(films, "text.dcm"), "no film");
    const damaged = await writeFilm(films, "test", { imageId: "torn" });
    const bytes = await Deno.readFile(damaged);
    bytes.fill(0, bytes.length - 20_000, bytes.length - 2_000);
    bytes.fill(0, 1_000, 2_000);
    await Deno.writeFile(damaged, bytes);
    const bad = await predict(films, ...options);
    assertEquals(bad.code, 1);
    assertStringIncludes(bad.out, "3 films");
    assertStringIncludes(bad.error, "2 files could not be used:");
    for (const name of ["text.dcm", basename(damaged)]) {
      assertStringIncludes(bad.error, name);
    }
    assertEquals((await predict(films, ...options, "--skip-bad")).code, 0);

    const nothing = join(folder, "nothing");
    await Deno.mkdir(nothing);
    await Deno.copyFile(join(films, "text.dcm"), join(nothing, "text.dcm"));
    const none = await predict(nothing, "--run", run.id, "--output", folder, "--skip-bad");
    assertEquals(none.code, 1);
    assertStringIncludes(none.error, "None could be used, so nothing is written");
  }));

Deno.test("predict fails where no file can be used, without a stack", () =>
  withRuns(async (folder) => {
    const calls: [string[], number, string][] = [
      [["--help"], 0, "Usage: deno task predict"],
      [[], 2, "one folder must be named: none is"],
      [["a", "b", "--run", "x"], 2, "one folder must be named: a, b"],
      [[folder], 2, "add --run RUN"],
      [[folder, "--run", "x", "--overlay"], 2, "--overlay"],
      [[folder, "--run", "no/such"], 1, "(there are: none): no/such"],
    ];
    for (const [args, code, message] of calls) {
      const result = await predict(...args);
      assertEquals(result.code, code, args.join(" "));
      assertStringIncludes(code === 0 ? result.out : result.error, message);
      assert(!/^\s+at /m.test(result.error), "no stack trace");
    }
  }));
