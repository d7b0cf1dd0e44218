/** Runs the notebooks from top to bottom: `deno task notebooks`. */
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DatasetError } from "@/data/mod.ts";
import { listExperiments } from "@/experiments/mod.ts";
import { notebookNames, type RunFailure, runNotebook } from "@/jupyter/mod.ts";
import { command, isExpectedName, UsageError } from "./command.ts";

const HELP = `Runs notebooks/*.ipynb from top to bottom, in order, or only some of them.

Usage: deno task notebooks [NAME ...] [options]

  deno task notebooks                           all; on two CPU cores about ten minutes
  deno task notebooks --quick                   the same with few films: does everything work?
  deno task notebooks 01 02                     those whose file names start so
  deno task notebooks --data /data/siim --chain siim

Options:
  --data DIR         the data set (default: PNEUMOTHORAX_DATA, else the phantom, synthetic films in
                     data/phantom-clear, which are drawn if they are not there yet)
  --chain NAME       train the experiments of this folder of experiments/ (default: phantom; siim are
                     the report's, for a GPU; also: environment variable PNEUMOTHORAX_CHAIN)
  --quick            a small phantom and short training
  --save             write the outputs into the notebooks themselves
  --folder DIR       run the notebooks of this folder (default: notebooks)
  --output DIR       where the executed copies go (default: executed, in the folder)
  --timeout SECONDS  longest time for a single cell (default: no limit)
  --help             shows this

Notebooks 3 to 6 need the runs of those before. Ctrl-C saves a checkpoint, and the same command goes
on from it. Exit code: 0 done, 1 a cell failed, 2 wrong usage, 130 interrupted.`;

const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** The phantoms that are made when no data set is named. */
const PHANTOM = { folder: "data/phantom-clear", args: [] as string[] };
const QUICK_PHANTOM = {
  folder: "data/phantom-quick",
  args: ["--train", "48", "--test", "8"],
};

/** A second Ctrl-C this many milliseconds after the first ends everything at once. */
const INSIST_AFTER = 2000;

interface Options {
  folder: string;
  names: string[];
  data: string | undefined;
  chain: string | undefined;
  quick: boolean;
  save: boolean;
  output: string;
  timeout: number | undefined;
}

/** Runs the command and returns its exit code. */
export const main = command({ name: "notebooks", help: HELP, parse: readOptions, run: runAll });

async function runAll(options: Options): Promise<number> {
  const paths = await selectNotebooks(options.folder, options.names);
  // What is missing shall not show after the first hour.
  if (options.chain !== undefined) await requireChain(options.chain);
  if (options.data !== undefined) await requireDataset(options.data);
  const interrupt = listenForSignals();
  const data = options.data ?? await makePhantom(options.quick, interrupt.signal);
  if (data === undefined) return interrupt.exitCode() || 1;
  const env: Record<string, string> = { PNEUMOTHORAX_DATA: resolve(data) };
  if (options.quick) env["PNEUMOTHORAX_QUICK"] = "1";
  if (options.chain !== undefined) env["PNEUMOTHORAX_CHAIN"] = options.chain;

  for (const path of paths) {
    const name = relative(PROJECT, path);
    const output = options.save ? path : join(options.output, basename(path));
    const result = await runNotebook(path, {
      output,
      env,
      interrupt: interrupt.signal,
      onProgress: (text, cell) => showProgress(`${name}, cell ${cell}: ${text}`),
      ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    });
    showProgress("");
    const { status, cells, seconds, failure } = result;
    const word = { ok: "ok  ", failed: "FAIL", interrupted: "STOP" }[status];
    const where = options.save ? "" : ` -> ${relative(Deno.cwd(), output)}`;
    console.log(`${word} ${name} (${cells} cells, ${seconds.toFixed(1)} s)${where}`);
    if (status === "interrupted") return interrupt.exitCode();
    if (failure) {
      console.error(describe(name, failure));
      return 1;
    }
  }
  return 0;
}

async function requireChain(chain: string): Promise<void> {
  const chains = new Set((await listExperiments()).map((name) => dirname(name)));
  if (chains.has(chain)) return;
  throw new UsageError(
    `Cannot train the chain ${chain} as there is no folder experiments/${chain}. There are: ` +
      [...chains].join(", "),
  );
}

async function requireDataset(root: string): Promise<void> {
  if (await Deno.stat(root).then(({ isDirectory }) => isDirectory, () => false)) return;
  throw new DatasetError(
    `Cannot run the notebooks as the data set is no folder: ${root}. Name it with --data or ` +
      "PNEUMOTHORAX_DATA, or neither of them for synthetic films",
  );
}

/** The notebooks in order of their names, all or those that were asked for. */
async function selectNotebooks(folder: string, names: string[]): Promise<string[]> {
  const all = await notebookNames(folder);
  if (all.length === 0) throw new UsageError(`Cannot run notebooks as there are none: ${folder}`);
  for (const name of names) {
    if (!all.some((file) => matches(file, name))) {
      throw new UsageError(
        `Cannot run a notebook as no name starts so: ${name}. There are: ${all.join(", ")}`,
      );
    }
  }
  const chosen = names.length === 0
    ? all
    : all.filter((file) => names.some((name) => matches(file, name)));
  return chosen.map((file) => join(folder, file));
}

function matches(file: string, name: string): boolean {
  return file.startsWith(basename(name));
}

/** Makes the phantom, unless it is there and whole, and returns its folder. */
async function makePhantom(quick: boolean, signal: AbortSignal): Promise<string | undefined> {
  const { folder, args } = quick ? QUICK_PHANTOM : PHANTOM;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(PROJECT, "src", "cli", "phantom.ts"), "--directory", folder, ...args],
    cwd: PROJECT,
    stdin: "null",
    signal,
  }).spawn();
  const { success } = await process.status;
  return success ? join(PROJECT, folder) : undefined;
}

/** Turns the first SIGINT, SIGTERM or SIGHUP into an abort, and obeys an insistent user at once. */
function listenForSignals(): { signal: AbortSignal; exitCode: () => number } {
  const controller = new AbortController();
  let code = 0;
  let first = 0;
  const onSignal = (exitCode: number) => {
    // One Ctrl-C may arrive twice: from the terminal, and handed on by `deno task`.
    if (first !== 0 && Date.now() - first > INSIST_AFTER) Deno.exit(exitCode);
    if (first !== 0) return;
    first = Date.now();
    code = exitCode;
    console.error("\nStopping: a running training stage writes a checkpoint, at most 60 s ...");
    controller.abort();
  };
  Deno.addSignalListener("SIGINT", () => onSignal(130));
  Deno.addSignalListener("SIGTERM", () => onSignal(143));
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", () => onSignal(129));
  return { signal: controller.signal, exitCode: () => code };
}

/** One line that is overwritten; nothing where the output is no terminal. */
function showProgress(text: string): void {
  if (!Deno.stderr.isTerminal()) return;
  const { columns } = Deno.consoleSize();
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text.slice(0, columns - 1)}`));
}

function describe(name: string, { cell, source, message }: RunFailure): string {
  const lines = source.split("\n");
  const shown = lines.slice(0, 6).map((line) => `    ${line}`);
  if (lines.length > shown.length) {
    shown.push(`    ... (${lines.length - shown.length} more lines)`);
  }
  // The place in our code helps nobody whose films or runs are missing.
  const told = isExpectedName(message.split(":", 1)[0]!)
    ? message.replaceAll(/\n\s+at .*/g, "")
    : message;
  return `\n${name}, code cell ${cell}:\n${shown.join("\n")}\n\n${told}`;
}

function readOptions(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args: args.filter((arg) => arg !== "--"), // `deno task notebooks -- --quick` hands it on
    allowPositionals: true,
    options: {
      data: { type: "string" },
      chain: { type: "string" },
      quick: { type: "boolean", default: false },
      save: { type: "boolean", default: false },
      folder: { type: "string", default: join(PROJECT, "notebooks") },
      output: { type: "string" },
      timeout: { type: "string" },
    },
  });
  const timeout = values.timeout === undefined ? undefined : Number(values.timeout);
  if (timeout !== undefined && !(timeout > 0)) {
    throw new RangeError(`Cannot use the timeout as it must be > 0: ${values.timeout}`);
  }
  const folder = resolve(values.folder);
  return {
    folder,
    names: positionals,
    data: values.data ?? (Deno.env.get("PNEUMOTHORAX_DATA") || undefined),
    chain: values.chain ?? (Deno.env.get("PNEUMOTHORAX_CHAIN") || undefined),
    quick: values.quick,
    save: values.save,
    output: resolve(values.output ?? join(folder, "executed")),
    timeout,
  };
}

// Signal listeners would keep the process alive.
if (import.meta.main) Deno.exit(await main(Deno.args));
