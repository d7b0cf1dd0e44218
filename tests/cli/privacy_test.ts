import { assert, assertEquals, assertGreater } from "@std/assert";
import { dirname, join } from "node:path";
import { main as fit } from "@/cli/fit.ts";
import { main as predict } from "@/cli/predict.ts";
import { main as prepare } from "@/cli/prepare.ts";
import { main as runs } from "@/cli/runs.ts";
import { main as train } from "@/cli/train.ts";
import { readDicom } from "@/dicom/mod.ts";
import "@/training/mod.ts"; // the tasks load it when they need it, which a test must not
import { filmPath, rectangle, writeFilm } from "../data/small_dataset.ts";
import { captured } from "./console.ts";
import { withRuns } from "./with_runs.ts";

/** Stands in PatientName and PatientID of all films, whose folder is named so too. */
const NAME = "QUAGGA^ZEBRA";

/** All files below a folder, without those that the films were written to. */
function* filesBelow(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (name.startsWith("dicom-images-")) continue;
    if (isDirectory) yield* filesBelow(join(folder, name));
    else yield join(folder, name);
  }
}

/** Whether bytes hold the name, as they are or with two bytes a letter. */
function holdsName(bytes: Uint8Array): boolean {
  const text = new TextDecoder("latin1").decode(bytes).replaceAll("\0", "");
  return /QUAGGA|ZEBRA/i.test(text);
}

/** A data set with everything that is left out for some reason. */
async function writeFilms(root: string): Promise<void> {
  const rows = ["ImageId, EncodedPixels"];
  for (let i = 0; i < 8; i++) {
    const imageId = `film-${i}`;
    const path = await writeFilm(root, "train", { imageId, patientId: NAME, grey: 20 * i });
    assert(holdsName(await Deno.readFile(path)), "the name must be in the film");
    assert((await readDicom(path)).metadata.patientId === NAME);
    rows.push(`${imageId}, ${i % 2 === 0 ? rectangle(40 * i, 100, 300, 500) : "-1"}`);
  }
  for (const imageId of ["cut", "torn", "unlabelled", "small"]) {
    const size = imageId === "small" ? 64 : 1024;
    const path = await writeFilm(root, "train", { imageId, patientId: NAME, size });
    if (imageId !== "unlabelled") rows.push(`${imageId}, -1`);
    const bytes = await Deno.readFile(path);
    if (imageId === "cut") await Deno.truncate(path, bytes.length - 5000);
    if (imageId === "torn") await Deno.writeFile(path, bytes.fill(0, 2_000, 20_000));
  }
  const twin = join(root, "dicom-images-train", NAME, "film-0.dcm");
  await Deno.mkdir(dirname(twin));
  await Deno.copyFile(filmPath(root, "train", "film-0"), twin);
  await Deno.writeTextFile(join(root, "train-rle.csv"), `${rows.join("\n")}\n`);
}

Deno.test("nothing that is written or said holds a patient's name or ID", () =>
  withRuns(async (folder) => {
    const root = join(folder, "films");
    await writeFilms(root);
    const set = (...fields: string[]) => fields.flatMap((field) => ["--set", field]);
    const tiny = set(
      "data.size=32",
      "data.split={ kind: stratified, validation: 0.5, groupByPatient: false }",
      "model={ architecture: unet, startFilters: 1, prior: 0.5 }",
      "training={ epochs: 1, batch: 2, learningRate: { schedule: constant, initial: 1e-3 } }",
    );
    const data = ["--data", root];
    const calls: [call: () => Promise<number>, code: number][] = [
      [() => prepare([...data, "--size", "32", "--max-bad", "5%"]), 1],
      [() => prepare([...data, "--size", "32"]), 0],
      [() => train(["phantom/1-128", ...data, ...tiny]), 0],
      [() => fit(["--run", "phantom/1-128", ...data]), 0],
      [() => runs([]), 0],
      [() => runs(["--lineage", join(folder, "lineage.svg")]), 0],
      [() => {
        const films = join(root, "dicom-images-train", "study.film-0");
        const output = join(folder, "predicted");
        return predict([films, "--run", "phantom/1-128", "--output", output, "--png", "--json"]);
      }, 0],
      [() => {
        const films = join(root, "dicom-images-train", "study.torn");
        return predict([films, "--run", "phantom/1-128", "--output", join(folder, "none")]);
      }, 1],
    ];
    Deno.env.set("PNEUMOTHORAX_MAX_BAD", "30%");
    try {
      for (const [call, code] of calls) {
        const said = await captured(call);
        assertEquals(said.code, code, `${call}: ${said.error}`);
        assert(!holdsName(new TextEncoder().encode(said.out + said.error)), said.out + said.error);
      }
    } finally {
      Deno.env.delete("PNEUMOTHORAX_MAX_BAD");
    }
    const files = [...filesBelow(folder)];
    for (const path of files) assert(!holdsName(await Deno.readFile(path)), path);
    assertGreater(files.length, 20); // prepared films, record, checkpoints, masks, pictures
  }));
