/**
 * The table of what src/dicom reads, in its README.md. `deno run -A tests/dicom/support_table.ts`
 * writes it there; pydicom_test.ts checks that it is up to date.
 */
import { join } from "node:path";
import { DicomError, transferSyntaxName } from "@/dicom/mod.ts";
import { writeFileAtomic } from "@/files/mod.ts";
import { compareAll, type Outcome } from "./pydicom.ts";

const readme = join(import.meta.dirname!, "..", "..", "src", "dicom", "README.md");
const START = "<!-- Made by tests/dicom/support_table.ts -->\n";
const END = "<!-- End of what is made -->\n";

/** The tables in Markdown. */
export function supportTable(outcomes: readonly Outcome[]): string {
  const grey = outcomes.filter(({ kind }) => kind === "grey");
  const syntaxes = [...new Set(grey.map(({ transferSyntax }) => transferSyntax))].sort(byNumbers);
  const rows = syntaxes.map((syntax) => {
    const files = grey.filter(({ transferSyntax }) => transferSyntax === syntax);
    const read = files.filter(({ worst }) => worst !== undefined);
    const stored = Math.max(...read.map(({ worst }) => worst!.stored));
    const equal = stored === 0 ? "equal" : `within ${stored}`;
    return [transferSyntaxName(syntax), `${read.length}`, equal, `${files.length - read.length}`];
  });
  const refused = grey.filter(({ error }) => error).map(({ name, error }) => [
    `\`${name.replace(/^.*\//, "")}\``,
    (error as DicomError).reason.replace(/ \[.*\]$/, ""),
  ]);
  const kinds = [...new Set(outcomes.map(({ kind }) => kind))].filter((kind) => kind !== "grey");
  const others = kinds.sort().map((kind) => {
    const files = outcomes.filter((outcome) => outcome.kind === kind);
    return [kind, `${files.length}`, `${files.filter(({ error }) => error).length}`];
  });
  return [
    markdown(["one grey frame, 8 or 16 bits", "read", "stored values", "refused"], rows),
    "The refused ones:\n",
    markdown(["file", "reason"], refused),
    "All others:\n",
    markdown(["what it holds", "files", "refused"], others),
  ].join("\n");
}

/** What stands in the README now. */
export async function writtenTable(): Promise<string> {
  const text = await Deno.readTextFile(readme);
  return text.slice(text.indexOf(START) + START.length, text.indexOf(END)).trim() + "\n";
}

function markdown(header: string[], rows: string[][]): string {
  const all = [header, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = header.map((_, i) => Math.max(3, ...all.map((row) => row[i]!.length)));
  const lines = all.map((row) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`
  );
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines.join("\n") + "\n";
}

/** "1.2.10" after "1.2.9". */
function byNumbers(a: string, b: string): number {
  const [as, bs] = [a, b].map((uid) => uid.split(".").map(Number)) as [number[], number[]];
  const i = as.findIndex((number, i) => number !== bs[i]);
  return i < 0 ? as.length - bs.length : as[i]! - (bs[i] ?? -1);
}

if (import.meta.main) {
  const text = await Deno.readTextFile(readme);
  const table = supportTable(await compareAll());
  const before = text.slice(0, text.indexOf(START) + START.length);
  await writeFileAtomic(readme, `${before}\n${table}\n${text.slice(text.indexOf(END))}`);
}
