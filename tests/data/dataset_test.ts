import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { dataHash, DatasetError, datasetRoot, type Header, loadDataset } from "@/data/mod.ts";
import { filmPath, imaginaryFilm, rectangle, withFolder, writeFilm } from "./small_dataset.ts";

const header: Header = {
  patientId: "one",
  sex: "M",
  age: 40,
  view: "PA",
  pixelSpacing: { row: 0.1, column: 0.1 },
  rows: 1024,
  columns: 1024,
};
const readMetadata = () => Promise.resolve(header);

/** An empty file in the place of a film, for tests that do not read headers. */
async function placeFile(path: string): Promise<void> {
  await Deno.mkdir(join(path, ".."), { recursive: true });
  await Deno.writeTextFile(path, "");
}

async function writeTable(root: string, name: string, rows: string[]): Promise<void> {
  await Deno.writeTextFile(join(root, name), `ImageId, EncodedPixels\n${rows.join("\n")}\n`);
}

Deno.test("loadDataset() reads the competition's layout", () =>
  withFolder(async (root) => {
    const path = await writeFilm(root, "train", { imageId: "1.2.b", patientId: "anna" });
    await writeFilm(root, "train", { imageId: "1.2.a" });
    await writeFilm(root, "test", { imageId: "ID_00" });
    await writeTable(root, "train-rle.csv", [
      `1.2.b, ${rectangle(0, 0, 10, 5)}`,
      "1.2.a, -1",
      `1.2.b, ${rectangle(8, 0, 4, 5)}`,
    ]);
    await writeTable(root, "sample_submission.csv", ["ID_00,-1"]);
    const seen: string[] = [];
    const dataset = await loadDataset(root, {
      onProgress: ({ done, total }) => seen.push(`${done}/${total}`),
    });
    assertEquals(dataset.excluded, []);
    assertEquals(dataset.train.map((film) => film.imageId), ["1.2.a", "1.2.b"]);
    assertEquals(dataset.train[1], {
      imageId: "1.2.b",
      path,
      bytes: (await Deno.stat(path)).size,
      patientId: dataset.train[1]!.patientId, // see below
      sex: "F",
      age: 62,
      view: "AP",
      pixelSpacing: { row: 0.168, column: 0.168 },
      rows: [rectangle(0, 0, 10, 5), rectangle(8, 0, 4, 5)],
      positive: true,
      area: 60, // 50 + 20 less an overlap of 10
    });
    assertEquals(dataset.train[0]?.positive, false);
    assertEquals(dataset.train[0]?.area, 0);
    assertEquals(dataset.test.map((film) => film.imageId), ["ID_00"]);
    assert(!("rows" in dataset.test[0]!));
    assertEquals(seen, ["1/3", "2/3", "3/3"]);
  }));

Deno.test("loadDataset() leaves out what it cannot use, with the reason", () =>
  withFolder(async (root) => {
    const train = (imageId: string) => filmPath(root, "train", imageId);
    for (const imageId of ["good", "unlabelled", "odd", "mixed", "small", "damaged", "nobody"]) {
      await placeFile(train(imageId));
    }
    await placeFile(join(root, "dicom-images-train", "elsewhere", "good.dcm"));
    await placeFile(join(root, "dicom-images-train", "elsewhere", "._good.dcm"));
    await placeFile(join(root, "dicom-images-train", "elsewhere", "notes.txt"));
    await writeTable(root, "train-rle.csv", [
      "good,-1",
      "odd,1 2 3",
      "mixed,-1",
      "mixed,0 5",
      "small,-1",
      "damaged,-1",
      "nobody,-1",
      "absent,-1",
      "../../good,-1",
    ]);
    const dataset = await loadDataset(root, {
      maximumExcluded: 0.6,
      readMetadata: (path) => {
        if (path.includes("damaged.dcm")) return Promise.reject(new Error("it is cut off"));
        if (path.includes("small.dcm")) return Promise.resolve({ ...header, rows: 512 });
        if (path.includes("nobody.dcm")) {
          return Promise.resolve({ ...header, patientId: undefined });
        }
        return Promise.resolve(header);
      },
    });
    assertEquals(dataset.train.map((film) => film.imageId), ["good", "nobody"]);
    assertEquals(dataset.train[1]!.patientId, "nobody"); // the ImageId, as there is none
    assertEquals(dataset.test, []);
    const reasons = new Map(dataset.excluded.map(({ imageId, reason }) => [imageId, reason]));
    const expected: [string, string][] = [
      ["../../good", "cannot be an ImageId"],
      ["._good", "cannot be an ImageId"],
      ["absent", "no such file"],
      ["damaged", "it is cut off"],
      ["good", "there is another file of this ImageId"],
      ["mixed", "1 of 2 rows say -1"],
      ["odd", "it has 3 numbers"],
      ["small", "1024 x 512"],
      ["unlabelled", "no row in train-rle.csv"],
    ];
    assertEquals([...reasons.keys()], expected.map(([imageId]) => imageId));
    for (const [imageId, reason] of expected) {
      assertStringIncludes(reasons.get(imageId) ?? "", reason);
    }
  }));

Deno.test("loadDataset() compares test films with the sample submission", () =>
  withFolder(async (root) => {
    await placeFile(filmPath(root, "train", "a"));
    for (const imageId of ["t1", "t2"]) await placeFile(filmPath(root, "test", imageId));
    await writeTable(root, "train-rle.csv", ["a,-1"]);
    assertEquals((await loadDataset(root, { readMetadata })).test.length, 2);
    await placeFile(filmPath(root, "test", "a"));
    await writeTable(root, "sample_submission.csv", ["t1,-1", "t1,-1", "t3,-1", "a,-1"]);
    const dataset = await loadDataset(root, { readMetadata });
    assertEquals(dataset.test.map((film) => film.imageId), ["t1"]);
    assertEquals(dataset.excluded.map(({ imageId, reason }) => `${imageId}: ${reason}`), [
      "a: there is a training file of this ImageId",
      "t2: it has no row in sample_submission.csv",
      "t3: sample_submission.csv names it, but there is no such file",
    ]);
  }));

const tables: [string, string][] = [
  ["the competition's header", "ImageId, EncodedPixels\na, -1\n"],
  ["a byte order mark", "\uFEFFImageId,EncodedPixels\na,-1\n"],
  ["Windows line ends and an empty line", "ImageId,EncodedPixels\r\na,-1\r\n\r\n"],
  ["quotes and another order", 'EncodedPixels,ImageId\n"-1"," a "\n'],
];
for (const [name, text] of tables) {
  Deno.test(`loadDataset() reads a CSV file with ${name}`, () =>
    withFolder(async (root) => {
      await placeFile(filmPath(root, "train", "a"));
      await Deno.writeTextFile(join(root, "train-rle.csv"), text);
      const { train } = await loadDataset(root, { readMetadata });
      assertEquals(train.map(({ imageId, rows }) => [imageId, ...rows]), [["a", "-1"]]);
    }));
}

const illTables: [string, string, string][] = [
  ["no header", "a,-1\n", "must name ImageId and EncodedPixels"],
  ["nothing", "", "must name ImageId and EncodedPixels"],
  ["a row too short", "ImageId,EncodedPixels\na\n", "malformed"],
  ["a field that never ends", `ImageId,EncodedPixels\na,"${"1 ".repeat(2 ** 21)}"\n`, "malformed"],
  ["an open quote", 'ImageId,EncodedPixels\n"a,-1\n', "malformed"],
];
for (const [name, text, reason] of illTables) {
  Deno.test(`loadDataset() refuses a CSV file with ${name}`, () =>
    withFolder(async (root) => {
      await placeFile(filmPath(root, "train", "a"));
      await Deno.writeTextFile(join(root, "train-rle.csv"), text);
      await assertRejects(() => loadDataset(root, { readMetadata }), DatasetError, reason);
    }));
}

Deno.test("loadDataset() says what is missing and what to do", () =>
  withFolder(async (root) => {
    const load = () => loadDataset(root, { readMetadata });
    const missing = join(root, "missing");
    const error = await assertRejects(() => loadDataset(missing), DatasetError, missing);
    assertStringIncludes(error.message, "deno task phantom");
    assertStringIncludes(error.message, "--data DIR");
    assertStringIncludes(error.message, "PNEUMOTHORAX_DATA");
    await assertRejects(load, DatasetError, "no folder dicom-images-train");
    await Deno.mkdir(join(root, "dicom-images-train"));
    await assertRejects(load, DatasetError, "no train-rle.csv");
    await writeTable(root, "train-rle.csv", ["a,-1"]);
    await assertRejects(load, DatasetError, "a was left out as train-rle.csv names it");
  }));

Deno.test({
  name: "loadDataset() follows links inside the root only",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder((outside) =>
      withFolder(async (root) => {
        await placeFile(join(outside, "secret.dcm"));
        await placeFile(join(root, "store", "linked.dcm"));
        await placeFile(filmPath(root, "train", "plain"));
        const train = join(root, "dicom-images-train");
        await Deno.symlink(join(root, "store"), join(train, "inside"));
        await Deno.symlink(train, join(train, "loop"));
        await Deno.symlink(outside, join(train, "outside"));
        await Deno.symlink(join(outside, "secret.dcm"), join(train, "stolen.dcm"));
        await Deno.symlink(join(root, "nowhere"), join(train, "broken.dcm"));
        await writeTable(root, "train-rle.csv", ["plain,-1", "linked,-1", "secret,-1"]);
        const dataset = await loadDataset(root, { readMetadata });
        assertEquals(dataset.train.map((film) => film.imageId), ["linked", "plain"]);
        const reasons = dataset.excluded.map(({ imageId, reason }) => `${imageId}: ${reason}`);
        assertEquals(reasons, [
          "broken: it is a link that leads nowhere",
          "outside: it is a link that leaves the data set's folder",
          "secret: train-rle.csv names it, but there is no such file",
          "stolen: it is a link that leaves the data set's folder",
        ]);
        // The root itself may be a link, as it often is to a larger disk.
        await Deno.symlink(root, join(outside, "root"));
        const linked = await loadDataset(join(outside, "root"), { readMetadata });
        assertEquals(linked.train.length, 2);
      })
    ),
});

Deno.test("loadDataset() keeps salted hashes of PatientIDs, which group films as the IDs do", () =>
  withFolder(async (root) => {
    const patients = new Map([["a", "Doe^Jane"], ["b", "Doe^John"], ["c", "Doe^Jane"]]);
    for (const imageId of patients.keys()) await placeFile(filmPath(root, "train", imageId));
    await writeTable(root, "train-rle.csv", [...patients.keys()].map((imageId) => `${imageId},-1`));
    const dataset = await loadDataset(root, {
      readMetadata: (path) => Promise.resolve({ ...header, patientId: patients.get(path.at(-5)!) }),
    });
    const [a, b, c] = dataset.train.map(({ patientId }) => patientId);
    assertEquals(a, c);
    assertNotEquals(a, b);
    for (const hash of [a, b]) assertMatch(hash!, /^[0-9a-f]{24}$/);
    // Who knows the name cannot find it, as without the salt there is nothing to compare with.
    const hashes = ["sha1", "sha256", "md5"].map((kind) =>
      createHash(kind).update("Doe^Jane").digest("hex").slice(0, 24)
    );
    assert(!hashes.includes(a!));
  }));

Deno.test("dataHash() changes with films, sizes and annotations, not with their order", () => {
  const a = imaginaryFilm("a");
  const b = imaginaryFilm("b", ["0 5"], 5);
  const hash = dataHash({ train: [a, b], test: [] });
  assertEquals(hash.length, 64);
  assertEquals(dataHash({ train: [b, a], test: [] }), hash);
  assertEquals(dataHash({ train: [{ ...a, path: "moved" }, b], test: [] }), hash);
  const others = [
    { train: [a], test: [] },
    { train: [a], test: [b] },
    { train: [a, { ...b, bytes: 2 }], test: [] },
    { train: [a, { ...b, rows: ["0 6"] }], test: [] },
    { train: [a, b], test: [imaginaryFilm("c")] },
  ];
  for (const other of others) assertNotEquals(dataHash(other), hash);
});

Deno.test("datasetRoot() takes the argument, the environment, the phantom", () => {
  const before = Deno.env.get("PNEUMOTHORAX_DATA");
  try {
    Deno.env.set("PNEUMOTHORAX_DATA", "/from/environment");
    assertEquals(datasetRoot("/from/argument"), "/from/argument");
    assertEquals(datasetRoot(), "/from/environment");
    Deno.env.delete("PNEUMOTHORAX_DATA");
    assertStringIncludes(datasetRoot(), join("data", "phantom-clear"));
  } finally {
    if (before === undefined) Deno.env.delete("PNEUMOTHORAX_DATA");
    else Deno.env.set("PNEUMOTHORAX_DATA", before);
  }
});
