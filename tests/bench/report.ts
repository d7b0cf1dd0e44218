import type { RowResult, Side } from "./run_row.ts";

/** Where and on what a table was measured. */
export interface Machine {
  date: string;
  commit: string;
  processor: string;
  cores: number;
  memoryGiB: number;
  system: string;
  /** Processes that wanted to run, a mean over the minute before; above 0 others were at work. */
  load: number;
  devices: string[];
}

/** All that a run of the bench found. */
export interface Report {
  machine: Machine;
  versions: Record<string, string>;
  rows: RowResult[];
}

/** Puts results together, with the versions of everything that ran. */
export function makeReport(machine: Machine, rows: RowResult[]): Report {
  const versions: Record<string, string> = {};
  for (const { sides } of rows) for (const side of sides) Object.assign(versions, side.versions);
  return { machine, versions: Object.fromEntries(Object.entries(versions).sort()), rows };
}

/** The last lines of the bench's output: `name ratio`, `-` where the row failed. */
export function plainRatios(rows: readonly RowResult[]): string {
  return rows.map(({ name, ratio }) => `${name} ${ratio === undefined ? "-" : number(ratio)}`)
    .join("\n");
}

/** The report as Markdown. */
export function markdown({ machine, versions, rows }: Report): string {
  const { date, commit, processor, cores, memoryGiB, system, load, devices } = machine;
  const lines = [
    "# Measured side by side",
    "",
    "Written by `deno task bench`. A ratio is the median over the rounds of our sample divided by the",
    "peer's of the same round; below the bar is good. Both sides may use all cores. Peak memory is that",
    "of the main process.",
    "",
    `- ${date.slice(0, 10)}, commit ${commit}`,
    `- ${processor}, ${cores} cores, ${memoryGiB.toFixed(0)} GiB, ${system}; ${devices.join(", ")}`,
    `- load before the start: ${load.toFixed(1)}`,
    `- ${Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ")}`,
    "",
    "| row | side | median | range | ratio | bar | peak memory |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...rows.flatMap(tableLines),
    "",
    ...rows.map(({ name, work }) => `- \`${name}\`: ${work}`),
  ];
  return lines.join("\n") + "\n";
}

function tableLines({ name, unit, bar, sides, ratio }: RowResult): string[] {
  return sides.map((side, i) => {
    const isFirstPeer = i === Math.min(1, sides.length - 1);
    const ofSide = sides.length === 1 ? ratio : side.ratio;
    const cells = [
      i === 0 ? name : "",
      side.name,
      ...valueCells(side, unit),
      ofSide === undefined ? "" : number(ofSide),
      isFirstPeer ? String(bar) : "",
      side.peakMemory === undefined ? "" : `${side.peakMemory.toFixed(0)} MiB`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
}

function valueCells({ summary, reason }: Side, unit: RowResult["unit"]): [string, string] {
  if (!summary) {
    return [`none: ${(reason ?? "").trim().split("\n").at(-1)!.replaceAll("|", "/")}`, ""];
  }
  const suffix = unit === "share" ? "" : ` ${unit}`;
  const { median, lowest, highest } = summary;
  return [number(median) + suffix, `${number(lowest)} to ${number(highest)}`];
}

/** Three digits that count, without an exponent. */
function number(value: number): string {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(value >= 1 ? 2 : 3);
}
