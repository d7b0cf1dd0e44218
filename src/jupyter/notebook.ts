import { writeFileAtomic } from "@/files/mod.ts";

/** Text of a notebook file: one string, or a list of lines that keep their line ends. */
export type MultilineText = string | string[];

/** An output of a code cell, as nbformat 4 stores it. */
export type CellOutput =
  | { output_type: "stream"; name: "stdout" | "stderr"; text: string[] }
  | {
    output_type: "display_data" | "execute_result";
    data: Record<string, unknown>;
    metadata: Record<string, unknown>;
    execution_count?: number;
  }
  | { output_type: "error"; ename: string; evalue: string; traceback: string[] };

export interface CodeCell {
  cell_type: "code";
  id: string;
  metadata: Record<string, unknown>;
  source: MultilineText;
  outputs: CellOutput[];
  execution_count: number | null;
}

export interface TextCell {
  cell_type: "markdown" | "raw";
  id: string;
  metadata: Record<string, unknown>;
  source: MultilineText;
}

export type Cell = CodeCell | TextCell;

/** A notebook file of nbformat 4.5. */
export interface Notebook {
  cells: Cell[];
  metadata: Record<string, unknown>;
  nbformat: number;
  nbformat_minor: number;
}

/** Splits text into lines that keep their line ends, as notebook files store it. */
export function splitLines(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

/** The text of a cell as one string. */
export function cellSource(cell: Cell): string {
  return joinLines(cell.source);
}

/** Text of a notebook file as one string. */
export function joinLines(text: MultilineText): string {
  return Array.isArray(text) ? text.join("") : text;
}

/** The names of a folder's notebooks, sorted. */
export async function notebookNames(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.filter(({ isFile, name }) => isFile && name.endsWith(".ipynb"))
    .map(({ name }) => name).sort();
}

/** A file is no notebook, or a damaged one. */
export class NotebookError extends SyntaxError {
  override readonly name = "NotebookError";
}

/**
 * Reads a notebook file.
 *
 * @throws {NotebookError} If the file is no JSON or no notebook of nbformat 4.
 */
export async function readNotebook(path: string): Promise<Notebook> {
  const text = await Deno.readTextFile(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    throw new NotebookError(`Cannot read the notebook ${path} as it is no JSON: ${message}`);
  }
  const notebook = value as Partial<Notebook> | null;
  if (notebook?.nbformat !== 4 || !Array.isArray(notebook.cells)) {
    throw new NotebookError(
      `Cannot read the notebook ${path} as it must have cells and nbformat 4: nbformat is ` +
        `${notebook?.nbformat}`,
    );
  }
  const strange = notebook.cells.findIndex((cell) => !isCell(cell));
  if (strange >= 0) {
    throw new NotebookError(
      `Cannot read the notebook ${path} as its cell ${
        strange + 1
      } (of all, with text) must have a ` +
        `cell_type of code, markdown or raw, and a source`,
    );
  }
  notebook.metadata ??= {};
  notebook.nbformat_minor = Math.max(5, notebook.nbformat_minor ?? 0);
  notebook.cells.forEach((cell, index) => {
    cell.id ??= `cell-${index}`;
    cell.metadata ??= {};
    if (cell.cell_type === "code") cell.outputs ??= [];
  });
  return notebook as Notebook;
}

function isCell(value: unknown): value is Cell {
  const { cell_type: type, source } = (value ?? {}) as Partial<Cell>;
  return ["code", "markdown", "raw"].includes(type!) &&
    (Array.isArray(source) || typeof source === "string");
}

/** Writes a notebook with the same bytes that Jupyter would write, so that diffs stay small. */
export async function writeNotebook(path: string, notebook: Notebook): Promise<void> {
  await writeFileAtomic(path, formatNotebook(notebook));
}

/** The text of a notebook file: keys sorted, indented by one, as Python's nbformat does. */
export function formatNotebook(notebook: Notebook): string {
  return JSON.stringify(sortKeys(notebook), null, 1) + "\n";
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item)]));
}
