import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import {
  checkNotebooks,
  findOutputProblems,
  formatNotebooks,
  toModule,
} from "../../src/cli/check_notebooks.ts";
import { type Cell, type CellOutput, formatNotebook, type Notebook } from "@/jupyter/mod.ts";

function code(source: string, outputs: CellOutput[] = []): Cell {
  return { cell_type: "code", id: "c", metadata: {}, source, outputs, execution_count: null };
}

function notebookOf(cells: Cell[], kernel = "deno"): Notebook {
  const kernelspec = { display_name: "Deno", language: "typescript", name: kernel };
  const named = cells.map((cell, index) => ({ ...cell, id: `id-${index}` }));
  const metadata = { kernelspec, language_info: { name: "typescript" } };
  return { cells: named, metadata, nbformat: 4, nbformat_minor: 5 };
}

/** Checks one notebook, alone in a folder. */
async function check(notebook: Notebook): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(folder, "01-a.ipynb"), formatNotebook(notebook));
    return (await checkNotebooks(folder)).join("\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("toModule() joins code cells and knows where each line comes from", () => {
  const text: Cell = { cell_type: "markdown", id: "m", metadata: {}, source: "# Title" };
  const { code: joined, places } = toModule(
    notebookOf([code("const a = 1;\nconst b = 2;"), text, code(" \n"), code("a + b;")]),
  );
  assertEquals(joined, "const a = 1;\nconst b = 2;\na + b;\nexport {};\n");
  assertEquals(places, [{ cell: 1, line: 1 }, { cell: 1, line: 2 }, { cell: 2, line: 1 }]);
});

Deno.test("findOutputProblems() finds errors, large outputs and the wrong kernel", () => {
  const error: CellOutput = { output_type: "error", ename: "E", evalue: "", traceback: [] };
  const large: CellOutput = { output_type: "stream", name: "stdout", text: ["x".repeat(2 ** 21)] };
  const fine: CellOutput = { output_type: "stream", name: "stdout", text: ["x"] };
  assertEquals(findOutputProblems(notebookOf([code("1;", [fine])]), 1000), []);
  assertEquals(findOutputProblems(notebookOf([code("1;"), code("2;", [error])]), 1000), [
    "cell 2 holds an error",
  ]);
  assertStringIncludes(
    findOutputProblems(notebookOf([code("1;", [large])]), 1000).join(),
    "an output of cell 1",
  );
  assertStringIncludes(findOutputProblems(notebookOf([]), 2 ** 22).join(), "4194304");
  assertStringIncludes(findOutputProblems(notebookOf([], "python3"), 10).join(), "python3");
});

Deno.test("checkNotebooks() passes a notebook that is in order", async () => {
  const report = await check(notebookOf([
    code('import { sha256 } from "@/files/mod.ts";'),
    code('const digest = sha256("abc");\nconsole.log(digest);'),
    code("await Promise.resolve(digest);"),
  ]));
  assertEquals(report, "");
});

Deno.test("checkNotebooks() names notebook, cell and line of each mistake", async () => {
  const report = await check(notebookOf([
    code("const count: number = 1;"),
    code('console.log(count);\nconst text: number = "x";\nconsole.log(text);'),
    code('import { nothing } from "@/files/mod.ts";\nconsole.log(nothing);'),
    code("let never = 1;\nconsole.log( never );"),
  ]));
  assertStringIncludes(report, "TS2322");
  assertStringIncludes(report, "01-a.ipynb, cell 2, line 2");
  assertStringIncludes(report, "no exported member 'nothing'");
  assertStringIncludes(report, "01-a.ipynb, cell 3, line 1");
  assertStringIncludes(report, "prefer-const");
  assertStringIncludes(report, "01-a.ipynb, cell 4, line 1");
  assertStringIncludes(report, "01-a.ipynb, cell 4 (of all, with text): not formatted");

  const twice = await check(notebookOf([code("const a = 1;"), code("const a = 2;")]));
  assert(/Cannot redeclare|already been declared/.test(twice), twice);
});

Deno.test("formatNotebooks() makes a notebook pass the check, and changes nothing twice", async () => {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "01-a.ipynb");
  const untidy = { ...notebookOf([code("console.log( 1 )\n\n\nlet x")]), metadata: {} };
  await Deno.writeTextFile(path, JSON.stringify(untidy));
  await formatNotebooks(folder);
  const once = await Deno.readTextFile(path);
  assertStringIncludes(once, "console.log(1);");
  await formatNotebooks(folder);
  assertEquals(await Deno.readTextFile(path), once);
  const problems = (await checkNotebooks(folder)).join("\n");
  assert(!problems.includes("deno task fmt"), problems);
  assertStringIncludes(problems, "its kernel must be");
  await Deno.remove(folder, { recursive: true });
});
