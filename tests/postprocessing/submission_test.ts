import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { DatasetError } from "@/data/mod.ts";
import {
  type Answer,
  checkSubmission,
  SubmissionError,
  writeSubmission,
} from "@/postprocessing/mod.ts";

interface Paths {
  folder: string;
  path: string;
  sample: string;
}

async function withSample(test: (paths: Paths) => Promise<void>, ids = ["b", "a", "c"]) {
  const folder = await Deno.makeTempDir();
  try {
    const sample = join(folder, "sample_submission.csv");
    const rows = ids.map((imageId) => `${imageId}, -1\n`);
    await Deno.writeTextFile(sample, `ImageId, EncodedPixels\n${rows.join("")}`);
    await test({ folder, path: join(folder, "submission.csv"), sample });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function* stream(answers: Answer[]): AsyncGenerator<Answer> {
  for (const answer of answers) yield await Promise.resolve(answer);
}

function cornerMask(): Uint8Array {
  const mask = new Uint8Array(1024 * 1024);
  mask[0] = 255;
  mask[mask.length - 1] = 1;
  return mask;
}

const empty = (imageId: string) => ({ imageId, rle: "-1" });

Deno.test("writeSubmission() writes one row a film in the sample's order", () =>
  withSample(async ({ folder, path, sample }) => {
    const answers = stream([
      { imageId: "a", mask: cornerMask() },
      { imageId: "c", rle: " 5 10 " },
      { imageId: "b", mask: new Uint8Array(1024 * 1024) },
    ]);
    assertEquals(await writeSubmission(path, sample, answers), { films: 3, positives: 2 });
    assertEquals(
      await Deno.readTextFile(path),
      "ImageId,EncodedPixels\nb,-1\na,0 1 1048574 1\nc,5 10\n",
    );
    assertEquals(await checkSubmission(path, sample), { films: 3, positives: 2 });
    const files = Array.from(Deno.readDirSync(folder), (entry) => entry.name).sort();
    assertEquals(files, ["sample_submission.csv", "submission.csv"]);
  }));

Deno.test("writeSubmission() counts ImageIds that the sample repeats once", () =>
  withSample(async ({ path, sample }) => {
    await writeSubmission(path, sample, [empty("a"), empty("b")]);
    assertEquals(await Deno.readTextFile(path), "ImageId,EncodedPixels\nb,-1\na,-1\n");
  }, ["b", "a", "b"]));

const illAnswers: [string, Answer[], string][] = [
  ["missing films", [empty("a")], "2 films are missing: b, c"],
  ["no film at all", [], "3 films are missing: b, a, c"],
  ["an unknown film", [empty("a"), empty("x")], "unknown: x"],
  ["a film answered twice", [empty("a"), empty("a")], "repeated: a"],
  ["a mask of another size", [{ imageId: "a", mask: new Uint8Array(512 * 512) }], "262144 values"],
  ["malformed run lengths", [{ imageId: "a", rle: "1 2 3" }], "of a are malformed"],
  ["empty run lengths", [{ imageId: "a", rle: "" }], "of a are malformed"],
  ["run lengths past the end", [{ imageId: "a", rle: "1048576 1" }], "of a are malformed"],
];
for (const [name, answers, reason] of illAnswers) {
  Deno.test(`writeSubmission() refuses ${name} and leaves an older file`, () =>
    withSample(async ({ folder, path, sample }) => {
      await Deno.writeTextFile(path, "older");
      const write = () => writeSubmission(path, sample, stream(answers));
      await assertRejects(write, SubmissionError, reason);
      assertEquals(await Deno.readTextFile(path), "older");
      assertEquals([...Deno.readDirSync(folder)].length, 2);
    }));
}

Deno.test("writeSubmission() hands on an error of the predictions", () =>
  withSample(async ({ path, sample }) => {
    async function* failing(): AsyncGenerator<Answer> {
      yield await Promise.resolve(empty("a"));
      throw new Error("no memory");
    }
    await assertRejects(() => writeSubmission(path, sample, failing()), Error, "no memory");
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  }));

Deno.test("writeSubmission() refuses a sample that is missing, empty or unsafe", async () => {
  await withSample(async ({ folder, path }) => {
    const missing = join(folder, "missing.csv");
    await assertRejects(() => writeSubmission(path, missing, []), DatasetError, "missing.csv");
  });
  const write = ({ path, sample }: Paths) =>
    assertRejects(() => writeSubmission(path, sample, []), DatasetError).then(() => {});
  await withSample(write, []);
  await withSample(write, ["../a"]);
});

const illFiles: [string, string, string][] = [
  ["a film missing", "a,-1\nb,-1\n", "missing: c"],
  ["a film unknown", "a,-1\nb,-1\nc,-1\nd,-1\n", "unknown: d"],
  ["a film repeated", "a,-1\nb,-1\nc,-1\na,-1\n", "repeated: a"],
  ["run lengths malformed", "a,-1\nb,7\nc,-1\n", "of b are malformed"],
  ["run lengths empty", "a,-1\nb,\nc,-1\n", "of b are malformed"],
];
for (const [name, rows, reason] of illFiles) {
  Deno.test(`checkSubmission() refuses a file with ${name}`, () =>
    withSample(async ({ path, sample }) => {
      await Deno.writeTextFile(path, `ImageId,EncodedPixels\n${rows}`);
      await assertRejects(() => checkSubmission(path, sample), SubmissionError, reason);
    }));
}

Deno.test("checkSubmission() accepts any order and refuses a file that is no submission", () =>
  withSample(async ({ path, sample }) => {
    await Deno.writeTextFile(path, "ImageId,EncodedPixels\nc,0 1\na,-1\nb,-1\n");
    assertEquals(await checkSubmission(path, sample), { films: 3, positives: 1 });
    await Deno.writeTextFile(path, "id,mask\na,-1\n");
    await assertRejects(() => checkSubmission(path, sample), DatasetError, "header");
    await assertRejects(() => checkSubmission(`${path}.absent`, sample), DatasetError, "opened");
  }));
