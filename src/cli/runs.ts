import { parseArgs } from "node:util";
import {
  compareRuns,
  compareSurroundings,
  lineage,
  listRuns,
  readRun,
  type Run,
  runFolder,
} from "@/experiments/mod.ts";
import { writeFileAtomic } from "@/files/mod.ts";
import { watchStage } from "@/notebook/mod.ts";
import { command, UsageError } from "./command.ts";
import { interruptible } from "./interruptible.ts";

const HELP = `Lists the runs, each below the one that it started from, or repeats one.

Usage: deno task runs [--experiment NAME] [--status STATUS] [--lineage FILE]
       deno task runs --repeat ID [--data DIR]

  deno task runs
  deno task runs --status finished --experiment phantom/1-128
  deno task runs --lineage lineage.svg
  deno task runs --repeat 20261125-023554-phantom-1-128-43a2

Options:
  --experiment NAME  only runs of this experiment
  --status STATUS    only running, finished, failed or interrupted ones
  --lineage FILE     draws these runs as a tree, as .svg or .png, instead of listing them
  --repeat ID        trains once more what this run's record says, from the same parent checkpoint,
                     and compares the metrics; on a CPU they are the same
  --data DIR         the films for --repeat (default: PNEUMOTHORAX_DATA, else data/phantom-clear);
                     they must be those of the run
  --help             shows this

A run whose process is gone is marked as interrupted. Exit code: 0 done, 1 failed or the repetition
came to something else, 2 wrong usage, 130 interrupted.`;

const STATUSES = ["running", "finished", "failed", "interrupted"] as const;

interface Arguments {
  filter: { experiment?: string; status?: Run["status"] };
  lineage: string | undefined;
  repeat: string | undefined;
  root: { root?: string };
}

/** Runs the command and returns its exit code. */
export const main = command({
  name: "runs",
  help: HELP,
  parse: parseArguments,
  run: ({ filter, lineage, repeat, root }) => {
    if (lineage !== undefined) return draw(filter, lineage);
    if (repeat === undefined) return list(filter);
    return interruptible(() => repeatRun(repeat, root), () => `deno task runs --repeat ${repeat}`);
  },
});

function parseArguments(args: string[]): Arguments {
  const { values: { experiment, status: text, lineage, repeat, data } } = parseArgs({
    args,
    options: {
      experiment: { type: "string" },
      status: { type: "string" },
      lineage: { type: "string" },
      repeat: { type: "string" },
      data: { type: "string" },
    },
  });
  const status = STATUSES.find((each) => each === text);
  if (text !== undefined && status === undefined) {
    throw new RangeError(`Cannot list runs as --status must be ${STATUSES.join(", ")}: ${text}`);
  }
  if (repeat !== undefined) {
    for (const [option, given] of Object.entries({ lineage, status: text, experiment })) {
      if (given === undefined) continue;
      throw new RangeError(
        `Cannot repeat a run with --${option}, which is for a list: leave it out`,
      );
    }
  } else if (data !== undefined) {
    throw new RangeError(`Cannot list runs with --data, which is for --repeat: ${data}`);
  }
  if (lineage !== undefined && !/\.(svg|png)$/.test(lineage)) {
    throw new RangeError(`Cannot draw runs as --lineage must end in .svg or .png: ${lineage}`);
  }
  return {
    filter: { ...(experiment !== undefined && { experiment }), ...(status && { status }) },
    lineage,
    repeat,
    root: data === undefined ? {} : { root: data },
  };
}

async function list(filter: Arguments["filter"]): Promise<number> {
  const { runs, unreadable } = await listRuns(filter);
  for (
    const line of columns(["run", "status", "epochs", "best dice", "minutes", "started"], runs)
  ) {
    console.log(line);
  }
  for (const { message } of unreadable) console.error(message);
  return unreadable.length > 0 ? 1 : 0;
}

/** Draws the runs into a file; what cannot be read is told, and is not in the picture. */
async function draw(filter: Arguments["filter"], file: string): Promise<number> {
  const { runs, unreadable } = await listRuns(filter);
  for (const { message } of unreadable) console.error(message);
  const { lineageDiagram, renderPng, renderSvg } = await import("@/plots/mod.ts");
  const spec = lineageDiagram(runs);
  await writeFileAtomic(file, await (file.endsWith(".svg") ? renderSvg : renderPng)(spec));
  console.log(`${file}: ${runs.length} runs`);
  return unreadable.length > 0 ? 1 : 0;
}

/** The runs as lines of a table, columns as wide as their longest text. */
function columns(header: string[], runs: readonly Run[]): string[] {
  const rows = lineage(runs).map(({ run, branch }) => {
    const { id, status, metrics, experiment, started } = run;
    const dices = metrics.flatMap(({ validationDice = NaN }) => validationDice).filter(isFinite);
    const seconds = metrics.reduce((sum, { seconds = 0 }) => sum + seconds, 0);
    return [
      branch + id,
      status,
      `${metrics.length}/${experiment.training.epochs}`,
      dices.length > 0 ? Math.max(...dices).toFixed(3) : "",
      (seconds / 60).toFixed(1),
      started.slice(0, 16).replace("T", " "),
    ];
  });
  const table = [header, ...rows];
  const widths = header.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  return table.map((row) => row.map((text, i) => text.padEnd(widths[i]!)).join("  ").trimEnd());
}

async function repeatRun(id: string, root: { root?: string }): Promise<number> {
  const first = await readRun(id);
  if (first.status !== "finished") {
    throw new UsageError(
      `Cannot repeat ${id} as it is not finished: ${first.status}. An interrupted run goes on with ` +
        `"deno task train ${first.experiment.name}"`,
    );
  }
  const { trainStage } = await import("@/training/mod.ts");
  const second = await trainStage(first.experiment, { ...root, repeats: first, ...watchStage() });
  console.log(`finished: ${runFolder(second.id)}`);
  const differences = compareRuns(first, second);
  if (differences.length === 0) {
    console.log(`All metrics of ${first.metrics.length} epochs are those of ${id}`);
    return 0;
  }
  console.error(`It came to something else than ${id}:`);
  for (const line of differences.slice(0, 10)) console.error(`  ${line}`);
  if (differences.length > 10) console.error(`  and ${differences.length - 10} more`);
  const others = compareSurroundings(first, second);
  if (others.length > 0) console.error("What is not as it was then:");
  for (const line of others) console.error(`  ${line}`);
  return 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
