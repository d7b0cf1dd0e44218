import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { NotebookError, readNotebook } from "@/jupyter/mod.ts";
import { withFolder } from "../data/small_dataset.ts";

const cell = { cell_type: "markdown", source: "" };

const DAMAGED: [what: string, text: string, why: string][] = [
  ["nothing", "", "it is no JSON"],
  ["the marks of a merge", '{\n<<<<<<< HEAD\n"cells": []}', "it is no JSON"],
  ["null", "null", "nbformat is undefined"],
  ["an older format", '{"nbformat": 3, "worksheets": []}', "nbformat is 3"],
  ["no cells", '{"nbformat": 4}', "must have cells"],
  ...[null, 3, {}, { ...cell, source: null }, { ...cell, cell_type: "heading" }].map((
    strange,
  ): [string, string, string] => [
    `the cell ${JSON.stringify(strange)}`,
    JSON.stringify({ nbformat: 4, cells: [cell, strange] }),
    "its cell 2 (of all, with text) must have a cell_type of code, markdown or raw, and a source",
  ]),
];
for (const [what, text, why] of DAMAGED) {
  Deno.test(`readNotebook() refuses ${what}`, () =>
    withFolder(async (folder) => {
      const path = join(folder, "a.ipynb");
      await Deno.writeTextFile(path, text);
      const { message } = await assertRejects(() => readNotebook(path), NotebookError);
      assertStringIncludes(message, `Cannot read the notebook ${path} as `);
      assertStringIncludes(message, why);
    }));
}

Deno.test("readNotebook() adds what older files of nbformat 4 lack", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a.ipynb");
    const code = { cell_type: "code", source: ["1\n", "2"] };
    await Deno.writeTextFile(path, JSON.stringify({ nbformat: 4, cells: [cell, code] }));
    assertEquals(await readNotebook(path), {
      nbformat: 4,
      nbformat_minor: 5,
      metadata: {},
      cells: [
        { ...cell, id: "cell-0", metadata: {} },
        { ...code, id: "cell-1", metadata: {}, outputs: [] },
      ],
    } as never);
  }));
