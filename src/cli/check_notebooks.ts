/**
 * Checks the notebooks without running them: types, lint and format of their code, and that their
 * outputs are small and free of errors. Deno's own tools pass over notebooks, and its kernel checks
 * no types. `deno task ok` runs it; with `--fix` it formats the notebooks instead.
 */
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  cellSource,
  MAX_NOTEBOOK_BYTES,
  MAX_OUTPUT_BYTES,
  type Notebook,
  notebookNames,
  readNotebook,
  writeNotebook,
} from "@/jupyter/mod.ts";

const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), "..", "..");
const CONFIG = join(PROJECT, "deno.json");
const FORMAT = ["fmt", "--no-config", "--line-width=100"];

/** What Deno's kernel tells about its language, less what changes with versions. */
const LANGUAGE = {
  name: "typescript",
  file_extension: ".ts",
  mimetype: "text/x.typescript",
  pygments_lexer: "typescript",
};

/** A notebook's code as one module, with the place that each of its lines comes from. */
export interface NotebookModule {
  code: string;
  /** For each line of the code: number of the code cell and of the line in it, both from 1. */
  places: { cell: number; line: number }[];
}

/**
 * Joins the code cells of a notebook to one TypeScript module. All cells share one scope there, as
 * in a notebook that is run from top to bottom, but a name may be declared only once.
 */
export function toModule(notebook: Notebook): NotebookModule {
  const lines: string[] = [];
  const places: NotebookModule["places"] = [];
  let cell = 0;
  for (const each of notebook.cells) {
    if (each.cell_type !== "code") continue;
    const source = cellSource(each);
    if (source.trim() === "") continue;
    cell++;
    source.split("\n").forEach((text, index) => {
      lines.push(text);
      places.push({ cell, line: index + 1 });
    });
  }
  // Makes it a module also where no cell imports anything, so that `await` is allowed.
  lines.push("export {};");
  return { code: lines.join("\n") + "\n", places };
}

/** What is wrong with the saved state of a notebook; empty if nothing is. */
export function findOutputProblems(notebook: Notebook, bytes: number): string[] {
  const problems: string[] = [];
  const kernel = notebook.metadata["kernelspec"] as { name?: unknown } | undefined;
  if (kernel?.name !== "deno") {
    problems.push(`its kernel must be "deno": ${JSON.stringify(kernel?.name)}`);
  }
  const language = notebook.metadata["language_info"] as { name?: unknown } | undefined;
  if (language?.name !== LANGUAGE.name) {
    problems.push(
      `its language_info must name ${LANGUAGE.name}, or Deno does not format it: ` +
        `${JSON.stringify(language?.name)}. To set it: deno task fmt`,
    );
  }
  if (bytes > MAX_NOTEBOOK_BYTES) {
    problems.push(`the file must have at most ${MAX_NOTEBOOK_BYTES} bytes: ${bytes}`);
  }
  let cell = 0;
  for (const each of notebook.cells) {
    if (each.cell_type !== "code" || cellSource(each).trim() === "") continue;
    cell++;
    for (const output of each.outputs) {
      const size = JSON.stringify(output).length;
      if (output.output_type === "error") problems.push(`cell ${cell} holds an error`);
      if (size > MAX_OUTPUT_BYTES) {
        problems.push(`an output of cell ${cell} must have at most ${MAX_OUTPUT_BYTES}: ${size}`);
      }
    }
  }
  return problems;
}

/** Replaces places in the joined modules by places in the notebooks. */
export function toNotebookPlaces(
  report: string,
  folder: string,
  modules: ReadonlyMap<string, NotebookModule>,
): string {
  let text = report.replaceAll(`file://${folder}/`, "").replaceAll(`${folder}/`, "");
  for (const [name, { places }] of modules) {
    text = text.replaceAll(
      new RegExp(`${RegExp.escape(name)}\\.ts:(\\d+):(\\d+)`, "g"),
      (whole, line: string, column: string) => {
        const place = places[Number(line) - 1];
        if (place === undefined) return whole;
        return `${name}, cell ${place.cell}, line ${place.line}, column ${column}`;
      },
    );
  }
  return text;
}

/** Checks all notebooks of a folder and returns what is wrong, for the reader. */
export async function checkNotebooks(folder: string): Promise<string[]> {
  const paths = await pathsIn(folder);
  const problems: string[] = [];
  const modules = new Map<string, NotebookModule>();
  const temporary = await Deno.realPath(await Deno.makeTempDir({ prefix: "notebooks-" }));
  try {
    const files: string[] = [];
    for (const path of paths) {
      const name = basename(path);
      const notebook = await readNotebook(path);
      const { size } = await Deno.stat(path);
      problems.push(...findOutputProblems(notebook, size).map((text) => `${name}: ${text}`));
      const module = toModule(notebook);
      modules.set(name, module);
      files.push(join(temporary, `${name}.ts`));
      await Deno.writeTextFile(join(temporary, `${name}.ts`), module.code);
    }
    for (const tool of ["check", "lint"]) {
      if (files.length === 0) break;
      const report = await failureOf([tool, `--config=${CONFIG}`, ...files]);
      if (report !== undefined) problems.push(toNotebookPlaces(report, temporary, modules));
    }
    problems.push(...await findUnformatted(paths, temporary));
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
  return problems;
}

/**
 * Names the cells that are not formatted. Formats copies and compares them, as `deno fmt --check`
 * (2.9.6) calls every notebook unformatted that it has not written itself.
 */
async function findUnformatted(paths: string[], temporary: string): Promise<string[]> {
  if (paths.length === 0) return [];
  const copies = paths.map((path) => join(temporary, basename(path)));
  for (const [index, path] of paths.entries()) await Deno.copyFile(path, copies[index]!);
  const report = await failureOf([...FORMAT, ...copies]);
  if (report !== undefined) return [report];
  const problems: string[] = [];
  for (const [index, path] of paths.entries()) {
    const formatted = await readNotebook(copies[index]!);
    const notebook = await readNotebook(path);
    notebook.cells.forEach((cell, at) => {
      if (cellSource(cell) === cellSource(formatted.cells[at]!)) return;
      const place = `${basename(path)}, cell ${at + 1} (of all, with text)`;
      problems.push(`${place}: not formatted. To format: deno task fmt`);
    });
  }
  return problems;
}

/** Formats all notebooks of a folder. */
export async function formatNotebooks(folder: string): Promise<void> {
  const paths = await pathsIn(folder);
  if (paths.length === 0) return;
  for (const path of paths) {
    const notebook = await readNotebook(path);
    notebook.metadata["language_info"] = LANGUAGE;
    await writeNotebook(path, notebook);
  }
  const report = await failureOf([...FORMAT, ...paths]);
  if (report !== undefined) throw new Error(report);
  // Deno writes the lines of a cell in a layout of its own; Jupyter's gives smaller diffs.
  for (const path of paths) await writeNotebook(path, await readNotebook(path));
}

async function pathsIn(folder: string): Promise<string[]> {
  return (await notebookNames(folder)).map((name) => join(folder, name));
}

/** Runs Deno and returns what it says if it fails. */
async function failureOf(args: string[]): Promise<string | undefined> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: PROJECT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  if (success) return undefined;
  const decoder = new TextDecoder();
  return `${decoder.decode(stdout)}${decoder.decode(stderr)}`.trim();
}

if (import.meta.main) {
  const folder = join(PROJECT, "notebooks");
  if (Deno.args.includes("--fix")) {
    await formatNotebooks(folder);
  } else {
    const problems = await checkNotebooks(folder);
    for (const problem of problems) console.error(`${problem}\n`);
    if (problems.length > 0) Deno.exit(1);
    console.log(`Checked the notebooks in ${relative(PROJECT, folder)}`);
  }
}
