/**
 * Fetches the oldest TensorFlow that the project works with, for the tests that run on it:
 * `deno task setup-oldest`. Only its library is kept. As `setup.ts` it imports no npm package.
 */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { exists } from "@/files/mod.ts";
import { libraryFileName } from "../tensorflow/library.ts";
import { command } from "./command.ts";
import { runWithRetries, SetupError } from "./setup.ts";

const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), "..", "..");
const VERSION = "2.16.2";
/** Where it lies; `PNEUMOTHORAX_TENSORFLOW` can name this folder. */
export const OLDEST_FOLDER = join(PROJECT, ".venv-2.16");
/** The package with the SHA-256 of its files. */
const LOCK = join(PROJECT, "requirements-oldest.lock");
/** Longest time for one try, in minutes. */
const TIMEOUT = 10;

const HELP =
  `Fetches TensorFlow ${VERSION}, the oldest that the project works with, into .venv-2.16, for the
tests that run on it.

Usage: deno task setup-oldest

  deno task setup-oldest                          0.6 GB on disk; Linux x86-64 only
  PNEUMOTHORAX_TENSORFLOW=.venv-2.16 deno task train phantom/1-128   trains on it

Options:
  --help  shows this

Exit code: 0 done, 1 failed, 2 wrong usage.`;

/** Runs the command and returns its exit code. */
export const main = command({
  name: "setup-oldest",
  help: HELP,
  parse: (args) => parseArgs({ args, options: {} }),
  run: setUpOldest,
});

async function setUpOldest(): Promise<void> {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    throw new SetupError(
      `Cannot install TensorFlow ${VERSION} as it is for Linux x86-64 alone: ${Deno.build.target}`,
    );
  }
  if (await exists(join(OLDEST_FOLDER, "tensorflow", libraryFileName()))) {
    console.log(`TensorFlow ${VERSION} is in ${OLDEST_FOLDER}.`);
    return;
  }
  const own = join(PROJECT, ".venv", "bin", "python");
  const aside = `${OLDEST_FOLDER}.partial`;
  await remove(aside);
  console.log(`Installing TensorFlow ${VERSION} into .venv-2.16 (0.6 GB on disk) ...`);
  // The wheel of one Python serves all: nothing here runs Python code.
  // deno-fmt-ignore
  await runWithRetries(await exists(own) ? own : "python3", [
    "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--timeout=60",
    "--progress-bar=off", "--no-deps", "--no-compile", "--only-binary=:all:",
    "--implementation=cp", "--python-version=3.12", "--platform=manylinux2014_x86_64",
    `--target=${aside}`, "--upgrade", "--require-hashes", "-r", LOCK,
  ], TIMEOUT, { failure: `Cannot install TensorFlow ${VERSION}` });
  await keepLibrary(aside);
  await remove(OLDEST_FOLDER);
  await Deno.rename(aside, OLDEST_FOLDER);
}

/** Removes all but the library and the package's version. */
async function keepLibrary(folder: string): Promise<void> {
  const library = join(folder, "tensorflow");
  for await (const { name } of Deno.readDir(folder)) {
    if (name !== "tensorflow" && !name.endsWith(".dist-info")) await remove(join(folder, name));
  }
  for await (const { name } of Deno.readDir(library)) {
    if (!/^libtensorflow_.*\.so/.test(name)) await remove(join(library, name));
  }
}

async function remove(path: string): Promise<void> {
  if (await exists(path)) await Deno.remove(path, { recursive: true });
}

if (import.meta.main) Deno.exit(await main(Deno.args));
