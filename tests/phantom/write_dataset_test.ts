import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { main } from "@/cli/phantom.ts";
import { decodeRle, loadDataset, readRleTable } from "@/data/mod.ts";
import { readDicom } from "@/dicom/mod.ts";
import { sha256File } from "@/files/mod.ts";
import { type PhantomDatasetOptions, PhantomError, writePhantomDataset } from "@/phantom/mod.ts";

const size = 1024;
const tiny = { train: 6, test: 2, seed: 3, workers: 1 };

async function filesUnder(directory: string, inside = ""): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(`${directory}/${inside}`)) {
    const path = inside ? `${inside}/${entry.name}` : entry.name;
    if (entry.isDirectory) files.push(...await filesUnder(directory, path));
    else files.push(path);
  }
  return files.sort();
}

async function hashesUnder(directory: string): Promise<[string, string][]> {
  const files = await filesUnder(directory);
  return await Promise.all(
    files.map(async (file): Promise<[string, string]> => [
      file,
      await sha256File(`${directory}/${file}`),
    ]),
  );
}

function area(mask: Uint8Array): number {
  return mask.reduce((sum, pixel) => sum + pixel, 0);
}

Deno.test("writePhantomDataset() writes the competition's layout", async (test) => {
  const directory = await Deno.makeTempDir();
  try {
    const progress: number[] = [];
    const { record, drawn } = await writePhantomDataset({
      ...tiny,
      directory,
      onProgress: ({ done }) => progress.push(done),
    });
    assertEquals(drawn, 8);
    assertEquals(progress, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const files = await filesUnder(directory);
    const dataset = await loadDataset(directory);
    const rows = await readRleTable(`${directory}/train-rle.csv`);

    await test.step("files lie where the competition has them, and nothing else is left", () => {
      const uid = String.raw`2\.25\.\d+`;
      const film = new RegExp(`^dicom-images-(train|test)/${uid}/${uid}/${uid}\\.dcm$`);
      assertEquals(files.filter((file) => film.test(file)).length, 8);
      assertEquals(files.filter((file) => !film.test(file)), [
        "phantom.json",
        "sample_submission.csv",
        "test-rle-truth.csv",
        "train-rle.csv",
      ]);
    });

    await test.step("the tables have the competition's headers and spaces", async () => {
      const train = await Deno.readTextFile(`${directory}/train-rle.csv`);
      assert(train.startsWith("ImageId, EncodedPixels\n"));
      assertStringIncludes(train, ", -1\n");
      const submission = await Deno.readTextFile(`${directory}/sample_submission.csv`);
      const [header, ...lines] = submission.trimEnd().split("\n");
      assertEquals(header, "ImageId,EncodedPixels");
      assertEquals(lines.every((line) => /^2\.25\.\d+,-1$/.test(line)), true);
      assertEquals(new Set(lines).size, 2);
    });

    await test.step("the record counts what loadDataset() finds", () => {
      assertEquals(record.unlabelled, 2);
      assertEquals(dataset.train.length, 4);
      assertEquals(dataset.train.filter(({ positive }) => positive).length, record.positives);
      assertEquals(record.positives + record.negatives, 4);
      assertEquals(dataset.test.length, 2);
      assertEquals(dataset.excluded.length, 2);
      for (const { reason } of dataset.excluded) assertStringIncludes(reason, "unlabelled");
    });

    await test.step("masks are written in several rows, some of which overlap", () => {
      const films = Map.groupBy(rows, ({ imageId }) => imageId);
      const several = [...films.values()].filter((ofFilm) => ofFilm.length > 1);
      assertEquals(several.length, 2);
      const overlaps = several.map((ofFilm) => {
        const masks = ofFilm.map(({ encodedPixels }) => decodeRle(encodedPixels, size, size));
        const union = masks[0]!.map((_, i) => (masks.some((mask) => mask[i] !== 0) ? 1 : 0));
        return masks.reduce((sum, mask) => sum + area(mask), 0) - area(union);
      }).sort((a, b) => a - b);
      assertEquals(overlaps[0], 0);
      assertGreater(overlaps[1]!, 0);
    });

    await test.step("a patient has films of both classes", () => {
      const byPatient = Map.groupBy(dataset.train, ({ patientId }) => patientId);
      const mixed = [...byPatient.values()].filter((films) =>
        films.some(({ positive }) => positive) && films.some(({ positive }) => !positive)
      );
      assertGreater(mixed.length, 0);
      for (const films of byPatient.values()) {
        assertEquals(new Set(films.map(({ sex, age }) => `${sex} ${age}`)).size, 1);
      }
    });

    await test.step("a film stored inverted is shown like the others", async () => {
      const films = await Promise.all(
        files.filter((file) => file.endsWith(".dcm")).map((file) =>
          readDicom(`${directory}/${file}`)
        ),
      );
      const kinds = films.map(({ metadata }) => metadata.photometricInterpretation);
      assert(kinds.includes("MONOCHROME1") && kinds.includes("MONOCHROME2"), `${kinds}`);
      for (const { pixels, width, height, metadata } of films) {
        assertEquals([width, height], [size, size]);
        assertEquals(metadata.transferSyntax, "1.2.840.10008.1.2.4.50");
        assert(metadata.age !== undefined && metadata.sex && metadata.view && metadata.patientId);
        // Air beside the neck is dark, the abdomen bright.
        assertLess(pixels[0]!, 100);
        assertGreater(pixels[(size - 20) * size + size / 2]!, 180);
      }
    });

    await test.step("the test films' truth has one row each", async () => {
      const truth = await readRleTable(`${directory}/test-rle-truth.csv`);
      assertEquals(
        truth.map(({ imageId }) => imageId).sort(),
        dataset.test.map(({ imageId }) => imageId),
      );
      assertGreater(
        Math.max(...truth.map((row) => area(decodeRle(row.encodedPixels, size, size)))),
        0,
      );
    });

    const hashes = await hashesUnder(directory);

    await test.step("a complete data set is left as it is", async () => {
      const again = await writePhantomDataset({ ...tiny, directory });
      assertEquals(again, { record, drawn: 0 });
      assertEquals(await hashesUnder(directory), hashes);
    });

    await test.step("two workers that continue an interrupted one give the same bytes", async () => {
      const other = await Deno.makeTempDir();
      try {
        // Stops after two films, as a kill would.
        const stop = new Error("stopped");
        await assertRejects(() =>
          writePhantomDataset({
            ...tiny,
            directory: other,
            onProgress: ({ done }) => {
              if (done === 2) throw stop;
            },
          })
        );
        assert(!(await filesUnder(other)).includes("phantom.json"));
        const rest = await writePhantomDataset({ ...tiny, directory: other, workers: 2 });
        assertEquals(rest, { record, drawn: 6 });
        assertEquals(await hashesUnder(other), hashes);
      } finally {
        await Deno.remove(other, { recursive: true });
      }
    });

    await test.step("another recipe replaces it", async () => {
      const options = { ...tiny, directory, train: 2, test: 0 };
      assertEquals((await writePhantomDataset(options)).drawn, 2);
      const left = await filesUnder(directory);
      assertEquals(left.filter((file) => file.endsWith(".dcm")).length, 2);
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("writePhantomDataset() fails with the same error on workers", async () => {
  for (const workers of [1, 2]) {
    const directory = await Deno.makeTempDir();
    try {
      const options = { ...tiny, directory, workers };
      const stop = () => {
        throw new Error("stopped");
      };
      await assertRejects(() => writePhantomDataset({ ...options, onProgress: stop }));
      // A file in the place of a folder.
      await Deno.writeTextFile(`${directory}/dicom-images-train`, "");
      await assertRejects(() => writePhantomDataset(options), Deno.errors.NotADirectory);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }
});

Deno.test("writePhantomDataset() does not touch a folder that holds something else", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/train-rle.csv`, "precious");
    await assertRejects(
      () => writePhantomDataset({ ...tiny, directory }),
      PhantomError,
      "as it holds other files (train-rle.csv)",
    );
    assertEquals(await filesUnder(directory), ["train-rle.csv"]);
    assertEquals(await main(["--directory", directory]), 1);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("writePhantomDataset() refuses options out of range", async () => {
  const bad: [Partial<PhantomDatasetOptions>, string][] = [
    [{ train: 1 }, "train must be a whole number from 2 to 100000: it is 1"],
    [{ train: 2.5 }, "it is 2.5"],
    [{ test: -1 }, "test must be a whole number from 0"],
    [{ seed: NaN }, "seed must be a whole number"],
    [{ workers: 0 }, "workers must be a positive whole number"],
    [{ difficulty: "hard" as "clear" }, "difficulty must be one of clear, realistic"],
  ];
  for (const [options, message] of bad) {
    await assertRejects(
      () => writePhantomDataset({ ...tiny, directory: "/nowhere/at/all", ...options }),
      RangeError,
      message,
    );
  }
});

Deno.test("phantom's command line answers wrong usage with exit code 2", async () => {
  const errors: string[] = [];
  const { error, log } = console;
  console.error = (text: string) => errors.push(text);
  console.log = () => {};
  try {
    assertEquals(await main(["--help"]), 0);
    for (const args of [["--nope"], ["--train", "x"], ["--difficulty", "hard"], ["stray"]]) {
      assertEquals(await main(args), 2, args.join(" "));
    }
  } finally {
    console.error = error;
    console.log = log;
  }
  assertEquals(errors.length, 4);
  assertStringIncludes(errors[2]!, "--difficulty must be clear or realistic: it is hard");
});
