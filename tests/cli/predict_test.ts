import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { basename, join } from "node:path";
import { main } from "../../src/cli/predict.ts";
import { decodeRle, FILM_SIZE, readGreyPng } from "@/data/mod.ts";
import { trainStage } from "@/training/mod.ts";
import { writeFilm } from "../data/small_dataset.ts";
import { discExperiment, discs } from "../training/discs.ts";
import { captured } from "./console.ts";
import { withRuns } from "./with_runs.ts";

const predict = (...args: string[]) => captured(() => main(args));

async function names(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).sort();
}

Deno.test("predict writes masks, overlays and one row for each film that can be read", () =>
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
    const output = join(folder, "result");
    const options = ["--run", "first", "--run", run.id, "--output", output];

    const good = await predict(films, ...options, "--overlays");
    assertEquals(good.code, 0, good.error);
    assert(!good.error.includes("could not be used"), good.error);
    assertStringIncludes(good.out, "2 films, 2 with a pneumothorax");
    assertEquals(await names(output), ["masks", "overlays", "submission.csv"]);
    assertEquals(await names(join(output, "masks")), ["one.png", "two.png"]);
    assertEquals(await names(join(output, "overlays")), ["one.jpg", "two.jpg"]);
    const rows = (await Deno.readTextFile(join(output, "submission.csv"))).trim().split("\n");
    assertEquals(rows.map((row) => row.split(",")[0]), ["ImageId", "one", "two"]);
    for (const row of rows.slice(1)) {
      const [imageId, rle] = row.split(",");
      const mask = await readGreyPng(join(output, "masks", `${imageId}.png`), FILM_SIZE);
      assertEquals(mask.map((value) => value / 255), decodeRle(rle!, FILM_SIZE, FILM_SIZE));
    }
    const jpeg = await Deno.readFile(join(output, "overlays", "one.jpg"));
    assertEquals(jpeg.subarray(0, 3).toHex(), "ffd8ff");

    // No DICOM file, a film of another size, and one whose pixels are damaged.
    await Deno.writeTextFile(join(films, "text.dcm"), "no film");
    await writeFilm(films, "test", { imageId: "small", size: 64 });
    const damaged = await writeFilm(films, "test", { imageId: "torn" });
    const bytes = await Deno.readFile(damaged);
    bytes.fill(0, bytes.length - 20_000, bytes.length - 2_000);
    bytes.fill(0, 1_000, 2_000);
    await Deno.writeFile(damaged, bytes);
    const bad = await predict(films, ...options);
    assertEquals(bad.code, 1);
    assertStringIncludes(bad.out, "2 films");
    assertStringIncludes(bad.error, "3 files could not be used:");
    for (const name of ["text.dcm", "small.dcm", basename(damaged)]) {
      assertStringIncludes(bad.error, name);
    }
    assertEquals((await predict(films, ...options, "--skip-bad")).code, 0);
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
