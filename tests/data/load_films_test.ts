import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { DatasetError, loadFilms } from "@/data/mod.ts";
import { withFolder, writeFilm } from "./small_dataset.ts";

Deno.test("loadFilms() finds films anywhere in a folder, and lists what it cannot use", () =>
  withFolder(async (folder) => {
    await writeFilm(folder, "train", { imageId: "b" });
    await writeFilm(folder, "test", { imageId: "a" });
    await writeFilm(folder, "test", { imageId: "b" });
    await writeFilm(folder, "test", { imageId: "small", size: 32 });
    await Deno.writeTextFile(join(folder, "text.dcm"), "no film");
    await Deno.writeTextFile(join(folder, "readme.txt"), "no film either");
    const { films, excluded } = await loadFilms(folder);
    assertEquals(films.map(({ imageId, sex, shape }) => [imageId, sex, shape]), [
      ["a", "F", undefined],
      ["b", "F", undefined],
      ["small", "F", { width: 32, height: 32 }],
    ]);
    assertEquals(excluded.map(({ imageId }) => imageId), ["b", "text"]);
  }));

Deno.test("loadFilms() takes .DCM too, and does not enter the folder of results", () =>
  withFolder(async (folder) => {
    const path = await writeFilm(folder, "train", { imageId: "a" });
    await Deno.rename(path, join(folder, "a.DCM"));
    await writeFilm(join(folder, "results"), "train", { imageId: "a" });
    const ids = async (leftOut?: string) => {
      const { films, excluded } = await loadFilms(folder, { ...(leftOut && { leftOut }) });
      return [films, excluded].map((list) => list.map(({ imageId }) => imageId));
    };
    assertEquals(await ids(join(folder, "results")), [["a"], []]);
    for (const other of ["not there yet", "."]) {
      assertEquals(await ids(join(folder, other)), [["a"], ["a"]]);
    }
    await Deno.remove(join(folder, "results"), { recursive: true });
    assertEquals(await ids(), [["a"], []]);
  }));

Deno.test("loadFilms() refuses a folder that is not there, and one without films", () =>
  withFolder(async (folder) => {
    await assertRejects(
      () => loadFilms(folder),
      DatasetError,
      "no file in the folder ends in .dcm",
    );
    await assertRejects(() => loadFilms(join(folder, "no")), DatasetError, "no such folder");
    const file = join(folder, "file.dcm");
    await Deno.writeTextFile(file, "");
    await assertRejects(() => loadFilms(file), DatasetError, "no such folder");
  }));
