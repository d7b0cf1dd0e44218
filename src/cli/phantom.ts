import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  difficulties,
  type Difficulty,
  type PhantomDatasetOptions,
  writePhantomDataset,
} from "@/phantom/mod.ts";
import { command } from "./command.ts";

const HELP = `Writes a synthetic data set in the competition's layout: DICOM films with and without
a drawn pneumothorax, train-rle.csv and sample_submission.csv.

Usage: deno task phantom [options]

  deno task phantom                                  data/phantom-clear, in half a minute
  deno task phantom --difficulty realistic           data/phantom-realistic
  deno task phantom --train 1000 --seed 2 --directory /data/other

Options:
  --directory DIR    where to write (default: data/phantom-<difficulty>)
  --train N          films to train on (default: 240)
  --test N           films to predict (default: 40)
  --seed N           the same seed gives the same files (default: 1)
  --difficulty NAME  clear: large, plain, 45 % positive (default)
                     realistic: the competition's statistics, subtle, 22 % positive
  --help             shows this

A data set that is complete is left as it is, one that was interrupted is continued. Exit code: 0 done,
1 failed, 2 wrong usage.`;

/** Runs the command and returns its exit code: 0 done, 1 failed, 2 wrong usage. */
export const main = command({ name: "phantom", help: HELP, parse: parseArguments, run: write });

function parseArguments(args: string[]): PhantomDatasetOptions {
  const { values } = parseArgs({
    args,
    options: {
      directory: { type: "string" },
      train: { type: "string", default: "240" },
      test: { type: "string", default: "40" },
      seed: { type: "string", default: "1" },
      difficulty: { type: "string", default: "clear" },
    },
  });
  const { difficulty } = values;
  if (!Object.hasOwn(difficulties, difficulty)) {
    const known = Object.keys(difficulties).join(" or ");
    throw new RangeError(`--difficulty must be ${known}: it is ${difficulty}`);
  }
  return {
    directory: values.directory ?? defaultDirectory(difficulty),
    train: wholeNumber("train", values.train),
    test: wholeNumber("test", values.test),
    seed: wholeNumber("seed", values.seed),
    difficulty: difficulty as Difficulty,
  };
}

/** Inside the project, wherever the command is run. */
function defaultDirectory(difficulty: string): string {
  return fileURLToPath(new URL(`../../data/phantom-${difficulty}`, import.meta.url));
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new RangeError(`--${option} must be a whole number: it is "${text}"`);
  }
  return Number(text);
}

async function write(options: PhantomDatasetOptions): Promise<void> {
  const progress = new ProgressLine();
  const { record, drawn } = await writePhantomDataset({
    ...options,
    onProgress: (films) => progress.show(films),
  }).finally(() => progress.end());
  const { train, test, positives, negatives, unlabelled } = record;
  console.log(
    `${options.directory}: ${train} films to train on (${positives} with a pneumothorax, ` +
      `${negatives} without, ${unlabelled} without a label), ${test} to predict` +
      (drawn === 0 ? "; it was complete" : ""),
  );
}

/** One line that is rewritten on a terminal; in a log, a line every tenth of the work. */
class ProgressLine {
  #isTerminal = Deno.stderr.isTerminal();
  #isOpen = false;
  #tenth = -1;

  show({ done, total }: { done: number; total: number }): void {
    const text = `Drawing film ${done} of ${total}`;
    const tenth = Math.floor((10 * done) / Math.max(1, total));
    if (this.#isTerminal) process.stderr.write(`\r${text}`);
    else if (tenth > this.#tenth) console.error(text);
    this.#isOpen = this.#isTerminal;
    this.#tenth = tenth;
  }

  end(): void {
    if (this.#isOpen) process.stderr.write("\n");
    this.#isOpen = false;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
