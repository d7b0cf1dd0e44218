import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FILM_SIZE, type FilmFile, loadFilms } from "@/data/mod.ts";
import { encodeDicom, parseDicom } from "@/dicom/mod.ts";
import type { Member } from "@/experiments/mod.ts";
import { PredictionFolder } from "@/prediction/mod.ts";
import { type OwnFilm, ownFilms, writeOwnFilm } from "../data/own_films.ts";
import { withFolder } from "../data/small_dataset.ts";

const rule = { rule: "threshold", flip: false, threshold: 0.5, minimumArea: 0 } as const;

/** A model that was never trained: only its name is used. */
function member(finding?: { code: string; meaning: string }): Member {
  const run = { id: "20260101-000000-first-abcd", experiment: { name: "first", finding } };
  return { run, checkpoint: "final" } as unknown as Member;
}

const everywhere = (probability: number) => new Float32Array(FILM_SIZE ** 2).fill(probability);

function withFilm(test: (film: FilmFile, folder: string) => Promise<void>): () => Promise<void> {
  return () =>
    withFolder(async (folder) => {
      const [, own] = ownFilms(2) as [OwnFilm, OwnFilm];
      await writeOwnFilm(join(folder, "films"), own);
      const { films } = await loadFilms(join(folder, "films"));
      await test(films[0]!, join(folder, "result"));
    });
}

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test(
  "PredictionFolder has no segmentation of an empty mask, removes an old one, and says so",
  withFilm(async (film, folder) => {
    const options = { folder, rule, members: [member()], dicomSegmentations: true, json: true };
    const path = join(folder, "segmentations", `${film.imageId}.dcm`);
    const report = async () =>
      JSON.parse(await Deno.readTextFile(join(folder, "predictions.json"))).films[0];

    const first = new PredictionFolder(options);
    await first.add(film, { imageId: film.imageId, probabilities: everywhere(0.9) });
    await first.finish([]);
    assertEquals([first.films, first.negatives, first.failed], [1, [], []]);
    assert(await exists(path));
    assertEquals((await report()).dicomSegmentation, `segmentations/${film.imageId}.dcm`);

    const second = new PredictionFolder(options);
    await second.add(film, { imageId: film.imageId, probabilities: everywhere(0.1) });
    await second.finish([]);
    assertEquals([second.films, second.negatives], [1, [film.imageId]]);
    assert(!await exists(path));
    const { positive, areaPixels, confidence, side, dicomSegmentation } = await report();
    assertEquals(
      [positive, areaPixels, confidence, side, dicomSegmentation],
      [false, 0, null, null, null],
    );
    const csv = await Deno.readTextFile(join(folder, "submission.csv"));
    assertEquals(csv, `ImageId,EncodedPixels\n${film.imageId},-1\n`);
  }),
);

Deno.test(
  "PredictionFolder names what the experiment finds",
  withFilm(async (film, folder) => {
    const finding = { code: "60046008", meaning: "Pleural effusion" };
    const options = { folder, rule, members: [member(finding)], dicomSegmentations: true };
    const results = new PredictionFolder(options);
    assertEquals(results.finding, finding);
    await results.add(film, { imageId: film.imageId, probabilities: everywhere(0.9) });
    const path = join(folder, "segmentations", `${film.imageId}.dcm`);
    const { dataSet } = parseDicom(await Deno.readFile(path), path);
    assertEquals(dataSet.string("x00700080"), "PLEURAL_EFFUSION");
    assertEquals(dataSet.string("x00181020"), "20260101-000000-first-abcd@final");
  }),
);

Deno.test("PredictionFolder lists a film that cannot be referred to", () =>
  withFolder(async (folder) => {
    const path = join(folder, "film.dcm");
    const pixels = new Uint8Array(100);
    const identity = {
      patientId: "p",
      studyInstanceUid: "",
      seriesInstanceUid: "2.25.2",
      sopInstanceUid: "2.25.3",
    };
    await Deno.writeFile(path, encodeDicom({ pixels, width: 10, height: 10 }, identity));
    const { films: [film] } = await loadFilms(folder);
    const old = join(folder, "segmentations", "film.dcm");
    await Deno.mkdir(join(folder, "segmentations"));
    await Deno.writeTextFile(old, "of an earlier prediction");
    const options = { folder, rule, members: [member()], dicomSegmentations: true };
    const results = new PredictionFolder(options);
    await results.add(film!, { imageId: "film", probabilities: everywhere(0.9) });
    assertEquals([results.films, results.failed.length], [1, 1]);
    assertStringIncludes(
      results.failed[0]!.reason,
      "it has no DICOM Segmentation: it has no Study Instance UID",
    );
    assert(!await exists(old));
  }));
