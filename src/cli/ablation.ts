import { join } from "node:path";
import { parseArgs } from "node:util";
import { projectFolder } from "@/experiments/mod.ts";
import { Progress, watchStage } from "@/notebook/mod.ts";
import { writePhantomDataset } from "@/phantom/mod.ts";
import { command } from "./command.ts";
import { interruptible } from "./interruptible.ts";

const HELP = `Measures what each part of the system is worth: trains every experiment of
experiments/ablation with several seeds on synthetic films, and compares them on 160 other films.

Usage: deno task ablation [--seeds N] [--data DIR]

  deno task ablation             about an hour on two CPU cores
  deno task ablation --seeds 1   the same without error bars

Options:
  --seeds N    seeds 1 to N (default: 3)
  --data DIR   the synthetic films (default: data/phantom-ablation; written if it is not there)
  --help       shows this

Runs that are finished are not trained again; after Ctrl-C the same command goes on. The results are
written to experiments/ablation/results.json, which notebook 6 shows. Exit code: 0 done, 1 failed,
2 wrong usage, 130 interrupted.`;

interface Arguments {
  seeds: number[];
  root: string;
}

/** Runs the command and returns its exit code. */
export const main = command({ name: "ablation", help: HELP, parse: parseArguments, run: ablation });

function parseArguments(args: string[]): Arguments {
  const { values: { seeds, data } } = parseArgs({
    args,
    options: {
      seeds: { type: "string", default: "3" },
      data: { type: "string", default: join(projectFolder, "data", "phantom-ablation") },
    },
  });
  if (!/^[1-9]\d?$/.test(seeds)) {
    throw new RangeError(`--seeds must be a whole number from 1 to 99: ${seeds}`);
  }
  return { seeds: Array.from({ length: Number(seeds) }, (_, i) => i + 1), root: data };
}

async function ablation({ seeds, root }: Arguments): Promise<number | void> {
  await writePhantomDataset({
    directory: root,
    train: 240,
    test: 160,
    seed: 1,
    difficulty: "clear",
  });
  const { ablationTable, runAblation, writeAblation } = await import("@/ablation/mod.ts");
  return await interruptible(async () => {
    let progress: Progress | undefined;
    const results = await runAblation(seeds, root, {
      ...watchStage(),
      onMeasure: ({ done, total, what }) => {
        progress ??= new Progress(total, { label: "measuring", unit: "ensembles" });
        void progress.update(done, what);
      },
    });
    await progress?.finish();
    await writeAblation(results);
    console.table(ablationTable(results));
  }, () => "deno task ablation, with the same options");
}

if (import.meta.main) Deno.exit(await main(Deno.args));
