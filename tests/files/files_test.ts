import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { exists, sha256, sha256File, writeFileAtomic } from "@/files/mod.ts";
import { withFolder } from "../data/small_dataset.ts";

Deno.test("writeFileAtomic() replaces a file and leaves nothing beside it", async () => {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "deep", "file.txt");
  await writeFileAtomic(path, "one");
  await writeFileAtomic(path, "two");
  assertEquals(await Deno.readTextFile(path), "two");
  assertEquals([...Deno.readDirSync(join(folder, "deep"))].map((entry) => entry.name), [
    "file.txt",
  ]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("writeFileAtomic() keeps what stands there when the new file cannot be put in place", async () => {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "taken");
  await Deno.mkdir(join(path, "inside"), { recursive: true });
  await assertRejects(() => writeFileAtomic(path, "content"));
  assertEquals([...Deno.readDirSync(folder)].map((entry) => entry.name), ["taken"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("sha256() and sha256File() give the digests of FIPS 180-4", async () => {
  const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assertEquals(sha256("abc"), expected);
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "abc");
  assertEquals(await sha256File(path), expected);
  await Deno.remove(path);
});

Deno.test("exists() follows links, and tells no from cannot be told", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    await Deno.symlink(`${folder}/file`, `${folder}/link`);
    await Deno.symlink(`${folder}/nothing`, `${folder}/dead`);
    const names = ["", "/file", "/link", "/dead", "/nothing", "/no/thing", "/file/below"];
    const found = await Promise.all(names.map((name) => exists(folder + name)));
    assertEquals(found, [true, true, true, false, false, false, false]);
    // A link that leads to itself: whether there is a file cannot be told.
    await Deno.symlink(`${folder}/circle`, `${folder}/circle`);
    await assertRejects(() => exists(`${folder}/circle`));
  }));
