import { parseArgs } from "node:util";
import { CHECKS, examine, findingText, thisMachine } from "@/doctor/mod.ts";
import { command } from "./command.ts";

const HELP = `Says what this machine has of what the project needs, and how to mend what it lacks.

Usage: deno task doctor [--json]

  deno task doctor
  deno task doctor --json > doctor.json   to send with a question

Options:
  --json   the same as JSON: name, status (ok, warn or fail), found, mend
  --help   shows this

Nothing is installed or changed. Exit code: 0 no check fails, 1 something has to be mended before
anything trains, 2 wrong usage.`;

interface Arguments {
  json: boolean;
}

/** Runs the command and returns its exit code. */
export const main = command({ name: "doctor", help: HELP, parse: parseArguments, run: doctor });

function parseArguments(args: string[]): Arguments {
  const { values } = parseArgs({ args, options: { json: { type: "boolean", default: false } } });
  return values;
}

async function doctor({ json }: Arguments): Promise<number> {
  const findings = await examine(CHECKS, thisMachine());
  const failed = findings.filter(({ status }) => status === "fail").length;
  if (json) {
    console.log(JSON.stringify(findings, null, 2));
  } else {
    for (const finding of findings) console.log(findingText(finding));
    console.log(
      failed === 0
        ? "\nNothing stands in the way. Next: deno task notebooks --quick, or deno task lab"
        : `\n${failed === 1 ? "One thing has" : `${failed} things have`} to be mended first.`,
    );
  }
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
