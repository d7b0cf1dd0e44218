import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { command } from "./command.ts";

const HELP = `Makes web pages of the notebooks, which open from disk: no server, no network.

Usage: deno task html [--folder DIR] [--output DIR]

  deno task html                              the notebooks as they are in the repository
  deno task html --folder notebooks/executed  as "deno task notebooks" last ran them

Options:
  --folder DIR  the folder of the notebooks (default: notebooks)
  --output DIR  where the pages go (default: site)
  --help        shows this

Nothing is run: a page shows the outputs that its notebook holds. Exit code: 0 done, 1 failed, 2 wrong
usage.`;

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

interface Arguments {
  folder: string;
  output: string;
}

/** Runs the command and returns its exit code. */
export const main = command({ name: "html", help: HELP, parse: parseArguments, run: html });

function parseArguments(args: string[]): Arguments {
  const { values } = parseArgs({
    args,
    options: {
      folder: { type: "string", default: join(PROJECT, "notebooks") },
      output: { type: "string", default: join(PROJECT, "site") },
    },
  });
  return values;
}

async function html({ folder, output }: Arguments): Promise<void> {
  const { writeSite } = await import("@/site/mod.ts");
  const { index, pages } = await writeSite({ folder, output });
  console.log(`${pages.length} notebooks: open ${relative(Deno.cwd(), index)} in a browser`);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
