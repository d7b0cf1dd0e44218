import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { basename, join } from "node:path";
import {
  DatasetError,
  type Film,
  type FilmFile,
  loadDataset,
  prepare,
  type PrepareOptions,
  type PrepareProgress,
  resizeMask,
  uniteRles,
} from "@/data/mod.ts";
import { filmPath, imaginaryFilm, rectangle, withFolder, writeFilm } from "./small_dataset.ts";

const none = { kind: "none" } as const;

/** Two annotated films, one for test; the mask of `b` has a speck that vanishes at 64. */
async function makeDataset(root: string): Promise<{ train: Film[]; test: FilmFile[] }> {
  await writeFilm(root, "train", { imageId: "a", grey: 20 });
  await writeFilm(root, "train", { imageId: "b", grey: 100 });
  await writeFilm(root, "test", { imageId: "t", grey: 60 });
  const rows = ["a, -1", `b, ${rectangle(512, 0, 256, 128)}`, `b, ${rectangle(0, 1000, 2, 2)}`];
  await Deno.writeTextFile(
    join(root, "train-rle.csv"),
    `ImageId, EncodedPixels\n${rows.join("\n")}\n`,
  );
  return await loadDataset(root);
}

async function run(films: (Film | FilmFile)[], options: PrepareOptions) {
  let progress: PrepareProgress | undefined;
  const prepared = await prepare(films, { ...options, onProgress: (p) => progress = p });
  return { prepared, reused: progress?.reused, progress };
}

Deno.test("prepare() makes small images and masks", () =>
  withFolder(async (root) => {
    const { train, test } = await makeDataset(root);
    const { prepared, progress } = await run([...train, ...test], {
      root,
      size: 64,
      contrast: none,
    });
    assertEquals(progress, { done: 3, total: 3, reused: 0, excluded: 0 });
    assertEquals(prepared.excluded, []);
    assertEquals(basename(prepared.folder), `64-${prepared.hash.slice(0, 12)}`);
    assertEquals([prepared.has("a"), prepared.has("t"), prepared.has("x")], [true, true, false]);

    const image = await prepared.readImage("b"); // 100 at the left, 200 at the right
    assertEquals(image.length, 64 * 64);
    for (const [x, expected] of [[0, 100], [32, 150], [63, 199]] as const) {
      assert(Math.abs(image[64 * 20 + x]! - expected) <= 2, `${image[64 * 20 + x]} at ${x}`);
    }
    const mask = await prepared.readMask("b");
    const expected = resizeMask(uniteRles(train[1]!.rows, 1024, 1024), 1024, 64);
    assertEquals([...mask], [...expected].map((value) => 255 * value));
    assertEquals(mask.filter((value) => value === 255).length, 16 * 8);
    assertEquals(await prepared.readMask("a"), new Uint8Array(64 * 64));
    await assertRejects(() => prepared.readMask("t"), RangeError, "not annotated: t");
    await assertRejects(() => prepared.readImage("x"), RangeError, "not prepared");
    const files = Array.from(Deno.readDirSync(prepared.folder), (entry) => entry.name).sort();
    assertEquals(files, ["a.png", "b.mask.png", "b.png", "films.jsonl", "recipe.json", "t.png"]);
  }));

Deno.test("prepare() stretches the contrast before it makes films smaller", () =>
  withFolder(async (root) => {
    const { train } = await makeDataset(root);
    const prepared = await prepare(train, { root, size: 64 });
    for (const imageId of ["a", "b"]) {
      const row = (await prepared.readImage(imageId)).subarray(0, 64);
      assert(row[0]! <= 3 && row[63]! >= 252, `${row[0]} to ${row[63]}`);
    }
  }));

Deno.test("prepare() takes a recipe of its own for each size and contrast", () =>
  withFolder(async (root) => {
    const { train } = await makeDataset(root);
    const recipes = [
      { size: 16, contrast: none },
      { size: 17, contrast: none },
      { size: 16, contrast: { kind: "percentile", low: 1, high: 99 } as const },
      { size: 16, contrast: { kind: "percentile", low: 1, high: 98 } as const },
    ];
    const folders = new Set<string>();
    for (const recipe of recipes) folders.add((await prepare(train, { root, ...recipe })).folder);
    assertEquals(folders.size, 4);
    const again = await run(train, { root, ...recipes[0]! });
    assert(folders.has(again.prepared.folder));
    assertEquals(again.reused, 2);
  }));

Deno.test("prepare() does again only what is not there or has changed", () =>
  withFolder(async (root) => {
    const { train, test } = await makeDataset(root);
    const films = [...train, ...test];
    const options = { root, size: 32, contrast: none };
    const { prepared } = await run(films, options);
    const image = (name: string) => join(prepared.folder, name);
    assertEquals((await run(films, options)).reused, 3);

    // Touched, but the same bytes.
    await Deno.utime(filmPath(root, "train", "a"), 1, 1);
    assertEquals((await run(films, options)).reused, 3);

    // Other pixels.
    const before = await (await prepare(films, options)).readImage("a");
    await writeFilm(root, "train", { imageId: "a", grey: 90 });
    const changed = await run(films, options);
    assertEquals(changed.reused, 2);
    assertNotEquals(await changed.prepared.readImage("a"), before);

    // Files lost or cut.
    await Deno.remove(image("b.mask.png"));
    await Deno.truncate(image("t.png"), 10);
    const mended = await run(films, options);
    assertEquals(mended.reused, 1);
    assert((await mended.prepared.readMask("b")).some((value) => value > 0));
    await mended.prepared.readImage("t");

    // Another annotation, then none.
    const other: Film = {
      ...train[0]!,
      rows: [rectangle(0, 0, 512, 512)],
      positive: true,
      area: 1,
    };
    const annotated = await run([other, ...films.slice(1)], options);
    assertEquals(annotated.reused, 2);
    assert((await annotated.prepared.readMask("a")).some((value) => value > 0));
    const cleared = await run(films, options);
    assertEquals(cleared.reused, 2);
    assertEquals(await cleared.prepared.readMask("a"), new Uint8Array(32 * 32));
  }));

Deno.test("prepare() goes on after it was killed in the middle of a line", () =>
  withFolder(async (root) => {
    const { train, test } = await makeDataset(root);
    const films = [...train, ...test];
    const options = { root, size: 32, contrast: none };
    const { prepared } = await run(films, options);
    const manifest = join(prepared.folder, "films.jsonl");
    const text = await Deno.readTextFile(manifest);
    for (const length of [0, 1, 100, text.length - 10]) {
      await Deno.writeTextFile(manifest, text.slice(0, length));
      const lines = text.slice(0, length).split("\n").filter((line) => line.endsWith("}")).length;
      assertEquals((await run(films, options)).reused, lines, `cut at ${length}`);
      assertEquals((await run(films, options)).reused, 3, `again after a cut at ${length}`);
    }
    await Deno.writeTextFile(manifest, 'null\n7\n"x"\n{"imageId":7}\n{"imageId":"a"}\n');
    assertEquals((await run(films, options)).reused, 0);
  }));

Deno.test("prepare() leaves out films that cannot be decoded, until there are too many", () =>
  withFolder(async (root) => {
    const { train } = await makeDataset(root);
    await Deno.truncate(filmPath(root, "train", "b"), 5000);
    const options = { root, size: 32, contrast: none };
    const prepared = await prepare(train, { ...options, maximumExcluded: 0.5 });
    assertEquals(prepared.excluded.map((film) => film.imageId), ["b"]);
    assert(prepared.excluded[0]!.reason.length > 10);
    assert(prepared.has("a") && !prepared.has("b"));
    await assertRejects(
      () => prepare(train, options),
      DatasetError,
      "1 of 2 cannot be used, more than 5 %",
    );
    await Deno.remove(filmPath(root, "train", "b"));
    const without = await prepare(train, { ...options, maximumExcluded: 0.5 });
    assertEquals(without.excluded.map((film) => film.imageId), ["b"]);
    await writeFilm(root, "train", { imageId: "a", size: 64 });
    await assertRejects(
      () => prepare([train[0]!], { ...options, size: 31 }),
      DatasetError,
      "1024 x 1024: 64 x 64",
    );
  }));

Deno.test("prepare() tells by a hash which contents it was made from, whatever the size", () =>
  withFolder(async (root) => {
    const { train } = await makeDataset(root);
    const hash = async (films: Film[], size = 32) =>
      (await prepare(films, { root, size, contrast: none })).sourceHash;
    const first = await hash(train);
    assertEquals([await hash(train), await hash(train.toReversed(), 16)], [first, first]);
    assertNotEquals(await hash(train.slice(1)), first);
    // As many bytes, and one of them another: only the content tells.
    const path = filmPath(root, "train", "a");
    const bytes = await Deno.readFile(path);
    bytes[0]! ^= 1; // in the preamble, which no reader looks at
    await Deno.writeFile(path, bytes);
    assertNotEquals(await hash(train), first);
  }));

Deno.test("prepare() gives the same files and counts on any number of workers", () =>
  withFolder(async (root) => {
    const { train, test } = await makeDataset(root);
    const damaged = { ...train[0]!, imageId: "damaged", path: join(root, "damaged.dcm") };
    await Deno.writeTextFile(damaged.path, "no film");
    const films = [...train, ...test, damaged];
    const made = async (workers: number) => {
      const folder = join(root, `cache${workers}`);
      const options = { root, folder, size: 48, workers, maximumExcluded: 1 };
      const first = await run(films, options);
      await Deno.utime(filmPath(root, "train", "a"), workers, workers); // the same content
      const second = await run(films, options);
      const files: Record<string, Uint8Array> = {};
      for (const { name } of Deno.readDirSync(first.prepared.folder)) {
        if (!name.endsWith(".jsonl")) { // its lines may be in another order
          files[name] = await Deno.readFile(join(first.prepared.folder, name));
        }
      }
      const { excluded, sourceHash } = first.prepared;
      return { files, excluded, sourceHash, first: first.progress, second: second.progress };
    };
    const alone = await made(0);
    assertEquals(Object.keys(alone.files).sort(), [
      "a.png",
      "b.mask.png",
      "b.png",
      "recipe.json",
      "t.png",
    ]);
    assertEquals(alone.first, { done: 4, total: 4, reused: 0, excluded: 1 });
    assertEquals(alone.second, { done: 4, total: 4, reused: 3, excluded: 1 });
    for (const workers of [1, 3]) assertEquals(await made(workers), alone);
  }));

Deno.test("prepare() fails with the same errors on workers", () =>
  withFolder(async (root) => {
    const { train } = await makeDataset(root);
    for (const workers of [0, 2]) {
      const options = { root, folder: join(root, `cache${workers}`), size: 32, workers };
      const outside: Film = { ...train[1]!, rows: ["2000000 9"] };
      const wrong = await assertRejects(() => prepare([train[0]!, outside], options), RangeError);
      assertMatch(wrong.message, /^Cannot prepare the film b: Cannot decode .*: 2000009$/);
      // A folder in the place of an image.
      const { folder } = await prepare([train[0]!], options);
      await Deno.mkdir(join(folder, "b.png"));
      const { IsADirectory } = Deno.errors;
      const folderThere = await assertRejects(() => prepare(train, options), IsADirectory, "b.png");
      assertMatch(folderThere.message, /^Cannot prepare the film b: Is a directory/);
      assertEquals((folderThere as Error & { code?: string }).code, "EISDIR");
      const aside = Array.from(Deno.readDirSync(folder)).filter(({ name }) => /partial/.test(name));
      assertEquals(aside, []);
    }
  }));

Deno.test("prepare() takes workers for many films", () =>
  withFolder(async (root) => {
    const { train } = await makeDataset(root);
    const films = Array.from({ length: 60 }, (_, i) => ({ ...train[0]!, imageId: `film-${i}` }));
    const prepared = await prepare(films, { root, size: 8 });
    const expected = await prepared.readImage("film-0");
    for (const { imageId } of films) assertEquals(await prepared.readImage(imageId), expected);
  }));

Deno.test("prepare() refuses ill options and ImageIds", async () => {
  const films = [imaginaryFilm("a")];
  const ill: [Partial<PrepareOptions>, string][] = [
    [{ size: 0 }, "1..1024: 0"],
    [{ size: 1025 }, "1..1024: 1025"],
    [{ size: 2.5 }, "1..1024: 2.5"],
    [{ contrast: { kind: "percentile", low: 9, high: 3 } }, "9, 3"],
    [{ maximumExcluded: 2 }, "to 100%: 2"],
    [{ workers: -1 }, ">= 0: -1"],
    [{ workers: 1.5 }, ">= 0: 1.5"],
  ];
  for (const [options, reason] of ill) {
    const all = { root: "/nowhere", size: 8, ...options };
    await assertRejects(() => prepare(films, all), RangeError, reason);
  }
  const options = { root: "/nowhere", size: 8 };
  await assertRejects(() => prepare([imaginaryFilm("../a")], options), RangeError, "../a");
  await assertRejects(() => prepare([...films, ...films], options), RangeError, "twice: a");
});
