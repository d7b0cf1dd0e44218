/** Runs the notebooks from top to bottom: `deno task notebooks`. */
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type RunFailure, runNotebook } from "@/jupyter/mod.ts";

const USAGE = `Usage: deno task notebooks [names...] [options]

Runs notebooks/*.ipynb in order, or only those whose file names start with one of the names (such as
01). Without --data it makes the phantom, a synthetic data set, if it is not there yet.

  --data DIR         Use the data set in this folder (also: environment variable PNEUMOTHORAX_DATA)
  --chain NAME       Train the experiments of this folder of experiments/ (default: phantom; siim are
                     the report's, for a GPU; also: environment variable PNEUMOTHORAX_CHAIN)
  --quick            A small phantom and short training: shows in minutes that everything works
  --save             Write the outputs into the notebooks themselves
  --folder DIR       Run the notebooks of this folder (default: notebooks)
  --output DIR       Where the executed copies go (default: executed, in the folder)
  --timeout SECONDS  Longest time for a single cell (default: no limit)`;

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

async function main(options: Options): Promise<number> {
  const paths = await selectNotebooks(options.folder, options.names);
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

/** The notebooks in order of their names, all or those that were asked for. */
async function selectNotebooks(folder: string, names: string[]): Promise<string[]> {
  const all: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isFile && entry.name.endsWith(".ipynb")) all.push(entry.name);
  }
  all.sort();
  if (all.length === 0) throw new Error(`Cannot run notebooks as there are none: ${folder}`);
  for (const name of names) {
    if (!all.some((file) => matches(file, name))) {
      throw new Error(`Cannot run a notebook as no name starts so: ${name}. There are: ${all}`);
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
  return `\n${name}, code cell ${cell}:\n${shown.join("\n")}\n\n${message}`;
}

function readOptions(args: string[]): Options | undefined {
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
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return undefined;
  const timeout = values.timeout === undefined ? undefined : Number(values.timeout);
  if (timeout !== undefined && !(timeout > 0)) {
    throw new RangeError(`Cannot use the timeout as it must be > 0: ${values.timeout}`);
  }
  const folder = resolve(values.folder);
  return {
    folder,
    names: positionals,
    data: values.data ?? (Deno.env.get("PNEUMOTHORAX_DATA") || undefined),
    chain: values.chain,
    quick: values.quick,
    save: values.save,
    output: resolve(values.output ?? join(folder, "executed")),
    timeout,
  };
}

if (import.meta.main) {
  let code = 1;
  try {
    const options = readOptions(Deno.args);
    if (options === undefined) console.log(USAGE);
    code = options === undefined ? 0 : await main(options);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
  // Signal listeners would keep the process alive.
  Deno.exit(code);
}
