import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { DatasetError, isImageId, loadDataset, maximumExcluded } from "@/data/mod.ts";
import { filmPath, withFolder, writeFilm } from "./small_dataset.ts";

const VARIABLE = "PNEUMOTHORAX_MAX_BAD";

/** Calls something with the environment variable set. */
async function withVariable(value: string, call: () => unknown): Promise<void> {
  const before = Deno.env.get(VARIABLE);
  Deno.env.set(VARIABLE, value);
  try {
    await call();
  } finally {
    if (before === undefined) Deno.env.delete(VARIABLE);
    else Deno.env.set(VARIABLE, before);
  }
}

Deno.test("maximumExcluded() takes a share or a percentage, the argument before the environment", async () => {
  const shares: [given: number | string, share: number][] = [
    [0, 0],
    [0.2, 0.2],
    ["0.1", 0.1],
    [".5", 0.5],
    ["5%", 0.05],
    [" 12.5 % ", 0.125],
    ["100%", 1],
    ["1", 1],
  ];
  for (const [given, share] of shares) assertEquals(maximumExcluded(given), share);
  await withVariable("", () => assertEquals(maximumExcluded(), 0.05));
  await withVariable("20%", () => {
    assertEquals([maximumExcluded(), maximumExcluded(0.3)], [0.2, 0.3]);
  });
  for (const ill of [2, -0.1, NaN, "200%", "5 percent", "-1", "1e-2", "%", " "]) {
    assertThrows(() => maximumExcluded(ill), RangeError, `to 100%: ${ill}`);
  }
});

Deno.test("loadDataset() goes on past damaged files up to a share, and names no path of them", () =>
  withFolder(async (root) => {
    const rows = ["ImageId,EncodedPixels"];
    for (const imageId of ["a", "b", "c", "odd", "cut", "huge"]) {
      await writeFilm(root, "train", { imageId });
      rows.push(`${imageId},${imageId === "odd" ? "1 2 3" : "-1"}`);
    }
    await writeFilm(root, "train", { imageId: "unlabelled" });
    const twin = join(root, "dicom-images-train", "Doe^Jane");
    await Deno.mkdir(twin);
    await Deno.copyFile(filmPath(root, "train", "a"), join(twin, "a.dcm"));
    await Deno.truncate(filmPath(root, "train", "cut"), 3000);
    // A file that takes no room on the disk, and more than there is in memory.
    await Deno.truncate(filmPath(root, "train", "huge"), 2 ** 40);
    await Deno.writeTextFile(join(root, "train-rle.csv"), rows.join("\n"));

    const refused = await assertRejects(
      () => loadDataset(root),
      DatasetError,
      "3 of 7 cannot be used, more than 5 %: cut (it is",
    );
    assert(refused.message.includes("allow more with PNEUMOTHORAX_MAX_BAD"), refused.message);
    await assertRejects(
      () => loadDataset(root, { maximumExcluded: 0.42 }),
      DatasetError,
      "more than 42 %",
    );
    await withVariable("43%", async () => {
      const { train, excluded } = await loadDataset(root);
      assertEquals(train.map(({ imageId }) => imageId).sort(), ["a", "b", "c"]);
      const reasons = excluded.map(({ imageId, reason, damaged }) => [imageId, reason, damaged]);
      const [, cut, huge, odd, unlabelled] = reasons;
      assertEquals(excluded.length, 5);
      assertEquals(cut![2], true);
      assertEquals(huge, [
        "huge",
        "it has 1099511627776 bytes, more than any film (268435456)",
        true,
      ]);
      assertEquals([odd![0], odd![2]], ["odd", true]);
      assertEquals(unlabelled, [
        "unlabelled",
        "it has no row in train-rle.csv: it is unlabelled",
        undefined,
      ]);
      for (const { reason } of excluded) assert(!/Doe|\//.test(reason), reason);
    });
  }));

Deno.test("loadDataset() tells a file that cannot be opened without its path", () =>
  withFolder(async (root) => {
    for (const imageId of ["a", "b"]) await writeFilm(root, "train", { imageId });
    await Deno.writeTextFile(join(root, "train-rle.csv"), "ImageId,EncodedPixels\na,-1\nb,-1\n");
    const { excluded } = await loadDataset(root, {
      maximumExcluded: 1,
      readMetadata: async (path) => {
        await Deno.readFile(path.includes("a.dcm") ? `${path}/Doe^Jane` : path);
        return { rows: 1024, columns: 1024 } as never;
      },
    });
    assertEquals(excluded.map(({ imageId, reason }) => [imageId, reason]), [
      ["a", "NotADirectory: Not a directory (os error 20)"],
    ]);
  }));

Deno.test("isImageId() leaves no name that is another film's mask", () => {
  assert(isImageId("a.mask.1") && isImageId("mask") && isImageId("1.2.840"));
  for (const name of ["a.mask", "a.MASK", "../a", "a/b", "a\\b", ".a", "", "a".repeat(129)]) {
    assert(!isImageId(name), name);
  }
});
