import { join } from "node:path";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  DatasetError,
  decodeRle,
  encodeRle,
  FILM_SIZE,
  importDataset,
  loadDataset,
  loadFilms,
  maskToSquare,
  prepare,
  startsToGaps,
} from "@/data/mod.ts";
import { discMask, type OwnFilm, ownFilms, writeOwnFilm, writeOwnMask } from "./own_films.ts";
import { withFolder } from "./small_dataset.ts";

/** Films with PNG masks, imported; the folders are gone afterwards. */
function withImport(
  test: (
    folders: { films: string; masks: string; output: string },
    own: OwnFilm[],
  ) => Promise<void>,
): () => Promise<void> {
  return () =>
    withFolder(async (folder) => {
      const folders = {
        films: join(folder, "films"),
        masks: join(folder, "masks"),
        output: join(folder, "set"),
      };
      const own = ownFilms(5);
      for (const film of own) {
        await writeOwnFilm(folders.films, film);
        await writeOwnMask(folders.masks, film);
      }
      await test(folders, own);
    });
}

Deno.test(
  "importDataset() writes what loadDataset() reads",
  withImport(async ({ films, masks, output }, own) => {
    const result = await importDataset({ films, masks: { folder: masks }, output });
    assertEquals(result, { films: 5, positives: 3, excluded: [] });
    const { train, test, excluded } = await loadDataset(output);
    assertEquals([test, excluded], [[], []]);
    assertEquals(train.map(({ imageId }) => imageId), own.map(({ imageId }) => imageId));
    for (const [i, { rows, positive, sex, age, view, pixelSpacing }] of train.entries()) {
      const mask = await maskToSquare(discMask(own[i]!), own[i]!);
      assertEquals(decodeRle(rows[0]!, FILM_SIZE, FILM_SIZE), mask);
      assertEquals(positive, own[i]!.disc !== undefined);
      assertEquals([sex, age, view], ["M", 40, "PA"]);
      const scale = Math.max(own[i]!.width, own[i]!.height) / FILM_SIZE;
      assert(Math.abs(pixelSpacing!.row - 0.8 * scale) < 0.002 * scale, `${pixelSpacing!.row}`);
    }
    // The films 0 and 1 are of one patient, 2 of another (3 has none), 4 of a third.
    const patients = train.map(({ patientId }) => patientId);
    assertEquals(patients.map((patient) => patients.indexOf(patient)), [0, 0, 2, 3, 4]);
    for await (const { name } of Deno.readDir(join(output, "dicom-images-train"))) {
      const bytes = await Deno.readFile(join(output, "dicom-images-train", name));
      assert(!new TextDecoder("latin1").decode(bytes).includes("Doe"), name);
    }
  }),
);

Deno.test(
  "a film is prepared alike whether it was imported or comes as it is",
  withImport(async ({ films, masks, output }) => {
    await importDataset({ films, masks: { folder: masks }, output });
    const imported = await prepare((await loadDataset(output)).train, { root: output, size: 96 });
    const index = await loadFilms(films);
    const asTheyAre = await prepare(index.films, { root: output, folder: `${output}2`, size: 96 });
    for (const { imageId } of index.films) {
      assertEquals(await asTheyAre.readImage(imageId), await imported.readImage(imageId), imageId);
    }
  }),
);

Deno.test(
  "importDataset() reads run lengths at each film's size",
  withImport(async ({ films, output }, own) => {
    const table = `${output}.csv`;
    const gaps = own.map((film) =>
      [film, encodeRle(discMask(film), film.width, film.height)] as const
    );
    const write = (rows: string[]) =>
      Deno.writeTextFile(table, `ImageId,EncodedPixels\n${rows.join("\n")}\n`);

    await write(gaps.map(([{ imageId }, rle]) => `${imageId},${rle}`));
    const first = await importDataset({ films, masks: { table, runs: "gaps" }, output });
    assertEquals([first.films, first.positives], [5, 3]);
    const { train } = await loadDataset(output);
    for (const [i, { rows }] of train.entries()) {
      const mask = await maskToSquare(discMask(own[i]!), own[i]!);
      assertEquals(rows, [encodeRle(mask, FILM_SIZE, FILM_SIZE)]);
    }

    // The same with starts, which count from 1.
    await write(gaps.map(([{ imageId }, rle]) => {
      if (rle === "-1") return `${imageId},-1`;
      let end = 1;
      const numbers = rle.split(" ").map(Number).map((number, i) => {
        end += number;
        return i % 2 === 0 ? end : number;
      });
      return `${imageId},${numbers.join(" ")}`;
    }));
    await importDataset({ films, masks: { table, runs: "starts" }, output: `${output}2` });
    const csv = (folder: string) => Deno.readTextFile(join(folder, "train-rle.csv"));
    assertEquals(await csv(`${output}2`), await csv(output));
  }),
);

Deno.test(
  "importDataset() lists what it cannot use, and takes no film for negative by itself",
  withImport(async ({ films, masks, output }, own) => {
    const [first, second, third] = own as [OwnFilm, OwnFilm, OwnFilm];
    await Deno.remove(join(masks, `${first.imageId}.png`));
    await writeOwnMask(masks, { ...second, width: 10 });
    await Deno.copyFile(
      join(masks, `${third.imageId}.png`),
      join(masks, `${third.imageId}_mask.png`),
    );
    await Deno.copyFile(join(masks, `${third.imageId}.png`), join(masks, "stranger.png"));
    await Deno.writeTextFile(join(films, "text.dcm"), "no film");
    const options = { films, masks: { folder: masks }, output } as const;
    const { excluded, ...counts } = await importDataset(options);
    assertEquals(counts, { films: 2, positives: 1 });
    const reasons = [
      [first.imageId, "it has no mask: it is unlabelled"],
      [second.imageId, "its mask must have the film's size of 160 x 240: 10 x 240"],
      [third.imageId, "it has two masks"],
      ["stranger", "there is a mask, but no such film"],
      ["text", "it is no DICOM file"],
    ];
    assertEquals(excluded.map(({ imageId }) => imageId), reasons.map(([imageId]) => imageId));
    for (const [i, [, reason]] of reasons.entries()) {
      assert(excluded[i]!.reason.startsWith(reason!), excluded[i]!.reason);
    }
    const record = JSON.parse(await Deno.readTextFile(join(output, "import.json")));
    assertEquals([record.films, record.excluded.length], [2, 5]);

    await assertRejects(() => importDataset(options), DatasetError, "the output is there already");
    const negative = await importDataset({
      ...options,
      output: `${output}2`,
      withoutMask: "negative",
    });
    assertEquals([negative.films, negative.positives], [3, 1]);
  }),
);

Deno.test(
  "importDataset() begins anew where it was interrupted, and fails where nothing can be used",
  withImport(async ({ films, masks, output }) => {
    await Deno.mkdir(`${output}.partial/dicom-images-train`, { recursive: true });
    await Deno.writeTextFile(`${output}.partial/dicom-images-train/old.dcm`, "left");
    const none = { films, output, masks: { folder: films } };
    await assertRejects(
      () => importDataset(none),
      DatasetError,
      "no file in the folder ends in .png",
    );
    const missing = { films, output, masks: { folder: join(masks, "no") } };
    await assertRejects(() => importDataset(missing), DatasetError, "no such folder");
    for await (const { name } of Deno.readDir(masks)) {
      if (name !== "case_00.png") await Deno.remove(join(masks, name));
    }
    await Deno.rename(join(masks, "case_00.png"), join(masks, "other.png"));
    const strange = { films, output, masks: { folder: masks } };
    await assertRejects(() => importDataset(strange), DatasetError, "none of 5 could be used");
    await Deno.rename(join(masks, "other.png"), join(masks, "case_00.png"));
    assertEquals((await importDataset(strange)).films, 1);
    assertEquals((await loadDataset(output)).excluded, []);
  }),
);

Deno.test(
  "importDataset() takes no film for negative whose mask it cannot read",
  withImport(async ({ films, masks, output }, own) => {
    const [first, second, third] = own.map(({ imageId }) => join(masks, imageId));
    await Deno.rename(`${first}.png`, `${first}_mask.PNG`);
    // Masks that are kept elsewhere.
    await Deno.rename(`${second}.png`, join(films, "second.png"));
    await Deno.symlink(join(films, "second.png"), `${second}.png`);
    await Deno.rename(`${third}.png`, `${third}.tif`);
    await Deno.writeTextFile(join(masks, `${own[4]!.imageId}.txt`), "a note");
    const result = await importDataset({
      films,
      masks: { folder: masks },
      output: `${output}/`,
      withoutMask: "negative",
    });
    assertEquals([result.films, result.positives], [4, 2]);
    assertEquals(result.excluded.map(({ imageId, reason }) => [imageId, reason]), [
      [own[2]!.imageId, `its mask is no PNG file: ${own[2]!.imageId}.tif. Convert it`],
    ]);
    assertEquals((await loadDataset(output)).train.length, 4);
  }),
);

Deno.test(
  "importDataset() fails where a film cannot be written, and leaves none out for that",
  withImport(async ({ films, masks, output }) => {
    const folder = `${output}.partial/dicom-images-train`;
    const onProgress = ({ done }: { done: number }) => {
      if (done !== 1) return;
      // A file in the place of the folder, as a full disk would be hard to have.
      Deno.removeSync(folder, { recursive: true });
      Deno.writeTextFileSync(folder, "");
    };
    const options = { films, masks: { folder: masks }, output, onProgress };
    const { message } = await assertRejects(() => importDataset(options));
    assert(/^Cannot write the film case_0\d: .*os error/.test(message), message);
    assertEquals(await Deno.stat(output).catch(() => "nothing"), "nothing");
  }),
);

Deno.test("startsToGaps() turns starts into gaps", () => {
  const cases: [string, string][] = [
    ["1 3", "0 3"],
    ["3 2 7 1", "2 2 2 1"],
    ["3 2 5 1", "2 2 0 1"],
    ["", "-1"],
    [" -1 ", "-1"],
  ];
  for (const [starts, gaps] of cases) assertEquals(startsToGaps(starts), gaps);
  for (const bad of ["0 3", "1", "1 0", "1.5 2", "5 2 3 1", "x 1"]) {
    assertThrows(() => startsToGaps(bad), RangeError, "Cannot decode a mask");
  }
});
