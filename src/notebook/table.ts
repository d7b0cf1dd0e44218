import { escapeHtml } from "./html.ts";
import { show } from "./show.ts";

/** A value of a table; `null` and `undefined` are shown as a dash. */
export type TableValue = string | number | boolean | null | undefined;

export interface TableOptions {
  /** Names and order of the columns. Default: the keys of all rows, in order of appearance. */
  columns?: readonly string[];
  /** Significant digits of numbers that are not whole. Default: 4. */
  digits?: number;
}

/** Shows rows as a table: HTML in a notebook, aligned text in a terminal. */
export async function table(
  rows: readonly Record<string, TableValue>[],
  options: TableOptions = {},
): Promise<void> {
  await show({ "text/plain": tableText(rows, options), "text/html": tableHtml(rows, options) });
}

/** Rows as aligned text: numbers to the right, a line below the names of the columns. */
export function tableText(
  rows: readonly Record<string, TableValue>[],
  options: TableOptions = {},
): string {
  const columns = columnsOf(rows, options).map((name) => {
    const cells = rows.map((row) => format(row[name], options.digits));
    const width = Math.max(name.length, ...cells.map((cell) => cell.length));
    const isNumeric = holdsNumbers(rows, name);
    const pad = (text: string) => isNumeric ? text.padStart(width) : text.padEnd(width);
    return { head: pad(name), line: "-".repeat(width), cells: cells.map(pad) };
  });
  const lines = [
    columns.map((column) => column.head),
    columns.map((column) => column.line),
    ...rows.map((_, row) => columns.map((column) => column.cells[row] ?? "")),
  ];
  return lines.map((cells) => cells.join("  ").trimEnd()).join("\n");
}

/** Rows as an HTML table without styles but the alignment, which is what GitHub keeps. */
export function tableHtml(
  rows: readonly Record<string, TableValue>[],
  options: TableOptions = {},
): string {
  const columns = columnsOf(rows, options);
  const align = (name: string) => holdsNumbers(rows, name) ? ' align="right"' : ' align="left"';
  const row = (tag: "th" | "td", text: (name: string) => string) => {
    const cells = columns.map((name) => `<${tag}${align(name)}>${escapeHtml(text(name))}</${tag}>`);
    return `<tr>${cells.join("")}</tr>`;
  };
  const body = rows.map((values) => row("td", (name) => format(values[name], options.digits)));
  return `<table>\n<thead>${row("th", (name) => name)}</thead>\n` +
    `<tbody>\n${body.join("\n")}\n</tbody>\n</table>`;
}

function columnsOf(
  rows: readonly Record<string, TableValue>[],
  { columns }: TableOptions,
): readonly string[] {
  return columns ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

function holdsNumbers(rows: readonly Record<string, TableValue>[], name: string): boolean {
  return rows.some((row) => typeof row[name] === "number") &&
    rows.every((row) => typeof row[name] !== "string");
}

function format(value: TableValue, digits = 4): string {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(digits)));
}
