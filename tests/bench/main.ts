import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeFileAtomic } from "@/files/mod.ts";
import { describeMachine, tensorflowDevices } from "./machine.ts";
import { writePhantom } from "./ours/phantom.ts";
import { installPeers } from "./peers.ts";
import { profile } from "./profile.ts";
import { makeReport, markdown, plainRatios } from "./report.ts";
import { GPU_ROWS, type Row, ROWS, selectRows } from "./rows.ts";
import { type RowResult, runRow } from "./run_row.ts";

/** Four names a line. */
function namesOf(rows: readonly Row[]): string {
  const names = rows.map(({ name }) => name.padEnd(18));
  const lines = Array.from(
    { length: Math.ceil(names.length / 4) },
    (_, i) => names.slice(4 * i, 4 * i + 4).join("").trimEnd(),
  );
  return lines.map((line) => `  ${line}`).join("\n");
}

const HELP = `Measures this project against others, side by side on this machine.

Usage: deno task bench [ROW ...] [--rounds N] [--gpu] [--profile]

  deno task bench                       every row, in about 25 minutes on two cores; the table
                                        goes to tests/bench/results.md and results.json
  deno task bench train_step decode     these rows; nothing is written
  deno task bench --gpu                 the rows for a GPU, to results-gpu.md and results-gpu.json
  deno task bench --profile             where the time of a training step goes, by operation

Options:
  --rounds N  samples of each side (default: the row's own, 1 to 7)
  --help      shows this

Rows:
${namesOf(ROWS)}
For a GPU:
${namesOf(GPU_ROWS)}

The last lines are "name ratio", ours to the peer's: lower is better. Run it while nothing else runs.
Exit code: 0 done, 1 a row failed, 2 wrong usage. Whether a ratio is below its bar does not matter.`;

interface Options {
  rows: readonly Row[];
  isWhole: boolean;
  rounds?: number;
  gpu: boolean;
  profile: boolean;
}

/** Runs the command and returns its exit code. */
export async function main(args: string[]): Promise<number> {
  let options: Options | "help";
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}\nSee: deno task bench --help`);
    return 2;
  }
  if (options === "help") {
    console.log(HELP);
    return 0;
  }
  if (options.profile) {
    console.log(await profile());
    return 0;
  }
  const devices = await tensorflowDevices();
  if (options.gpu && !devices.includes("GPU")) {
    console.error(
      `Cannot run the rows for a GPU as TensorFlow has found none: ${devices.join(", ")}. ` +
        "Run `deno task setup` where there is an NVIDIA driver",
    );
    return 1;
  }
  const { rows, rounds, isWhole, gpu } = options;
  const python = await installPeers();
  if (rows.some(({ films }) => films)) await writePhantom();
  const machine = await describeMachine(devices);
  const results: RowResult[] = [];
  for (const [i, row] of rows.entries()) {
    console.error(`${i + 1} of ${rows.length}: ${row.name} ...`);
    const result = await runRow(row, { python, ...(rounds && { rounds }) });
    for (const { name, reason } of result.sides) if (reason) console.error(`${name}: ${reason}`);
    results.push(result);
  }
  const report = makeReport(machine, results);
  console.log(markdown(report));
  if (isWhole) {
    const path = fileURLToPath(new URL(`results${gpu ? "-gpu" : ""}`, import.meta.url));
    await writeFileAtomic(`${path}.md`, `${markdown(report)}\n## Profile\n\n${await profile()}\n`);
    await writeFileAtomic(`${path}.json`, JSON.stringify(report, null, 2) + "\n");
  }
  console.log(plainRatios(results));
  return results.some(({ ratio }) => ratio === undefined) ? 1 : 0;
}

function parseOptions(args: string[]): Options | "help" {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: "string" },
      gpu: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  const { gpu, profile, rounds } = values;
  if (rounds !== undefined && !/^[1-9]\d*$/.test(rounds)) {
    throw new RangeError(`Cannot run rows as --rounds must be a positive integer: ${rounds}`);
  }
  return {
    rows: selectRows(gpu ? GPU_ROWS : ROWS, positionals),
    isWhole: positionals.length === 0,
    ...(rounds !== undefined && { rounds: Number(rounds) }),
    gpu,
    profile,
  };
}

if (import.meta.main) Deno.exit(await main(Deno.args));
