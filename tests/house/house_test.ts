import { assertEquals, assertThrows } from "@std/assert";
import { essentialImports, floors, type FolderImports, folderImports } from "./imports.ts";
import { drawnSource, pictureSource } from "./picture.ts";

function importsOf(text: Record<string, string>): FolderImports {
  const entries = Object.entries(text);
  return new Map(entries.map(([from, to]) => [from, new Set(to.split(" ").filter(Boolean))]));
}

Deno.test("the folders of src/ import one way, and src/house.svg shows how", async () => {
  const imports = await folderImports();
  const found = floors(imports); // throws where imports go round in a circle
  for (const folder of ["tensorflow", "files", "random"]) {
    assertEquals(found.get(folder), 0, folder);
  }
  const highest = Math.max(...found.values());
  assertEquals([...found].filter(([, floor]) => floor === highest), [["cli", highest]]);
  assertEquals(
    await drawnSource(),
    pictureSource(imports),
    "src/house.svg is out of date: run deno task house",
  );
});

Deno.test("floors() puts a folder above all that it imports", () => {
  const found = floors(importsOf({ a: "b c", b: "c", c: "", d: "c" }));
  assertEquals(Object.fromEntries(found), { c: 0, b: 1, a: 2, d: 1 });
});

Deno.test("floors() names a circle", () => {
  const circle = importsOf({ a: "b", b: "c", c: "d", d: "b" });
  assertThrows(() => floors(circle), Error, "in a circle: b -> c -> d -> b");
});

Deno.test("essentialImports() leaves out what follows from others", () => {
  const edges = essentialImports(importsOf({ a: "b c d", b: "c", c: "d", d: "" }));
  assertEquals(edges, [["a", "b"], ["b", "c"], ["c", "d"]]);
});
