/**
 * Sets up everything that the project needs: `deno task setup`.
 *
 * Runs before any npm package is there, so it imports nothing but this project's own files and
 * Deno's built-in modules. A second run finds the stamp of the first and is done at once.
 */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { exists, sha256, writeFileAtomic } from "@/files/mod.ts";
// Not through the doors: those also load npm packages.
import { commandOutput } from "../doctor/command_output.ts";
import { kernelEnvironment } from "../jupyter/environment.ts";
import { findTensorFlow, LIBRARY_VARIABLE, type TensorFlowLibrary } from "../tensorflow/library.ts";
import { command } from "./command.ts";

export { exists };

const HELP =
  `Fetches what the project needs: npm packages into Deno's cache, and TensorFlow and JupyterLab into
.venv. Where python3 has TensorFlow 2.16 or later already (Kaggle, Colab), that one is used.

Usage: deno task setup [--force] [--timeout MINUTES]

  deno task setup
  deno task setup --force --timeout 60   once more, over a slow line

Options:
  --force            do every step again, also when nothing has changed
  --timeout MINUTES  longest time for one try of a download (npm: 5, pip: 30; each is tried 3 times)
  --help             shows this

The other tasks do it first where it is needed. Exit code: 0 done, 1 failed, 2 wrong usage.`;

const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), "..", "..");
const ENVIRONMENT = join(PROJECT, ".venv");
/** Says what was set up; written last, so it stands only where everything is in place. */
const STAMP = join(ENVIRONMENT, "setup.json");
/** Stands in the environment while pip works: what is there may then be half of a package. */
const UNFINISHED = join(ENVIRONMENT, "setup.unfinished");
const OLDEST_TENSORFLOW: [number, number] = [2, 16];
/** The Python versions that TensorFlow 2.21 has wheels for. */
const PYTHON_RANGE: [oldest: number, newest: number] = [10, 13];
const TRIES = 3;

/** Setting up needs something from the user; the message says what. */
export class SetupError extends Error {
  override name = "SetupError";
}

interface Arguments {
  force: boolean;
  timeout: number | undefined;
}

/** Runs the command and returns its exit code. */
export const main = command({ name: "setup", help: HELP, parse: parseArguments, run: setUp });

function parseArguments(args: string[]): Arguments {
  const { values } = parseArgs({
    args,
    options: { force: { type: "boolean", default: false }, timeout: { type: "string" } },
  });
  const timeout = values.timeout === undefined ? undefined : Number(values.timeout);
  if (timeout !== undefined && !(timeout > 0)) {
    throw new RangeError(`Cannot use the timeout as it must be > 0: ${values.timeout}`);
  }
  return { force: values.force, timeout };
}

interface Stamp {
  key: string;
  library: string;
}

/** Speaks on stderr alone: other tasks begin with it, and what they print may go to a shell. */
async function setUp(options: Arguments): Promise<void> {
  const key = await stampKey();
  const stamp = await readStamp();
  if (!options.force && stamp?.key === key && await isInPlace(stamp)) {
    await writeKernelSpec();
    console.error("Everything is set up.");
    return;
  }
  await installPackages(options.timeout ?? 5);
  const library = await provideTensorFlow(options.timeout ?? 30);
  console.error(`TensorFlow ${library.version ?? "(version unknown)"}: ${library.path}`);
  await writeKernelSpec();
  const content: Stamp = { key, library: library.path };
  await writeFileAtomic(STAMP, JSON.stringify(content, null, 2) + "\n");
  console.error("Everything is set up.");
}

/** Changes when anything changes that a step depends on. */
async function stampKey(): Promise<string> {
  const files = ["requirements.lock", "requirements-cuda.lock", "deno.json", "deno.lock"];
  const texts = await Promise.all(files.map((name) => readIfThere(join(PROJECT, name))));
  const settings = [
    Deno.version.deno,
    Deno.build.target,
    Deno.env.get("DENO_DIR") ?? "",
    Deno.env.get(LIBRARY_VARIABLE) ?? "",
    String(await hasNvidiaDriver()),
  ];
  return sha256(JSON.stringify([...texts, ...settings]));
}

async function readStamp(): Promise<Stamp | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(STAMP)) as Stamp;
  } catch {
    return undefined; // none yet, or damaged
  }
}

/** Whether what the stamp tells of is still there; a Python that was removed leaves a dead link. */
async function isInPlace({ library }: Stamp): Promise<boolean> {
  if (!await exists(library)) return false;
  return !library.startsWith(ENVIRONMENT) || await exists(join(ENVIRONMENT, "bin", "python"));
}

/** Fetches every npm package of the import map into Deno's cache. */
async function installPackages(timeout: number): Promise<void> {
  console.error("Fetching npm packages (about 440 MB in Deno's cache; only what is missing) ...");
  await runWithRetries(Deno.execPath(), ["install", "--frozen", "--quiet"], timeout, {
    failure: "Cannot fetch the npm packages",
  });
}

async function provideTensorFlow(timeout: number): Promise<TensorFlowLibrary> {
  if (Deno.env.get(LIBRARY_VARIABLE)) return findTensorFlow();
  const found = onPath();
  if (found) {
    console.error("The python3 on PATH has TensorFlow: nothing is installed with pip.");
    return found;
  }
  await installPythonPackages(timeout);
  return findTensorFlow({ python: null });
}

/** The TensorFlow of the python3 on PATH (Kaggle, Colab), if it is recent enough. */
function onPath(): TensorFlowLibrary | undefined {
  try {
    const library = findTensorFlow({ variable: undefined, project: "/nonexistent" });
    const isOwn = library.path.startsWith(ENVIRONMENT); // an activated environment
    const [major = 0, minor = 0] = (library.version ?? "0.0").split(".").map(Number);
    const [oldestMajor, oldestMinor] = OLDEST_TENSORFLOW;
    const isRecent = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
    return isRecent && !isOwn ? library : undefined;
  } catch {
    return undefined;
  }
}

async function installPythonPackages(timeout: number): Promise<void> {
  const python = join(ENVIRONMENT, "bin", "python");
  const isUsable = await exists(python) && !await exists(UNFINISHED) &&
    await succeeds(python, ["-c", "import pip"]);
  if (!isUsable) {
    const base = await findPython();
    console.error(`Making a Python environment in .venv with Python ${base.version} ...`);
    await Deno.mkdir(ENVIRONMENT, { recursive: true });
    await Deno.writeTextFile(UNFINISHED, "");
    // A folder of an interrupted run may hold half a package; `--clear` empties it.
    await runWithRetries(base.command, ["-m", "venv", "--clear", ENVIRONMENT], 5, {
      failure: "Cannot make a Python environment",
    });
  }
  await Deno.writeTextFile(UNFINISHED, "");
  const requirements = await requirementsFile();
  console.error(
    "Installing JupyterLab and TensorFlow into .venv (1.9 GB on disk; with CUDA 8 GB) ...",
  );
  await runWithRetries(
    python,
    [
      "-m",
      "pip",
      "install",
      "--disable-pip-version-check",
      "--no-input",
      "--timeout=60",
      "--progress-bar=off",
      // Nothing without a known hash, and no code of a package that would run while it is built.
      "--require-hashes",
      "--only-binary=:all:",
      "-r",
      requirements,
    ],
    timeout,
    { failure: "Cannot install the Python packages", show: downloadLine },
  );
  await Deno.remove(UNFINISHED);
}

/** pip says much; what a user waits for are the large downloads. */
function downloadLine(line: string): string | undefined {
  const match = /^\s*Downloading (\S+?)-(\d\S*?)-\S+ \(([\d.]+) (MB|GB)\)/.exec(line);
  if (!match) return undefined;
  const [, name, version, size, unit] = match;
  if (unit === "MB" && Number(size) < 5) return undefined;
  return `  ${name} ${version} (${size} ${unit})`;
}

/** What is installed on this machine, each file with its hash: with an NVIDIA driver with CUDA. */
async function requirementsFile(): Promise<string> {
  return join(PROJECT, `requirements${await hasNvidiaDriver() ? "-cuda" : ""}.lock`);
}

async function hasNvidiaDriver(): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  return await exists("/proc/driver/nvidia/version") || await succeeds("nvidia-smi", ["-L"]);
}

/** A Python that TensorFlow has wheels for, and that can make environments. */
async function findPython(): Promise<{ command: string; version: string }> {
  const [oldest, newest] = PYTHON_RANGE;
  const commands = ["python3"];
  for (let minor = newest; minor >= oldest; minor--) commands.push(`python3.${minor}`);
  const seen: string[] = [];
  for (const command of commands) {
    const version = await commandOutput(command, [
      "-c",
      "import sys; print('%d.%d.%d' % sys.version_info[:3])",
    ]);
    if (version === undefined) continue;
    const [major, minor = 0] = version.split(".").map(Number);
    if (major !== 3 || minor < oldest || minor > newest) {
      seen.push(`${command} is ${version}`);
      continue;
    }
    if (!await succeeds(command, ["-c", "import venv, ensurepip"])) {
      throw new SetupError(
        `Cannot make a Python environment as ${command} lacks the module venv. Install it, on ` +
          "Debian and Ubuntu with: apt install python3-venv",
      );
    }
    return { command, version };
  }
  throw new SetupError(
    `Cannot install TensorFlow as no Python 3.${oldest} to 3.${newest} was found` +
      `${
        seen.length > 0 ? ` (${seen.join(", ")})` : ""
      }. Install one, on Debian and Ubuntu with: ` +
      "apt install python3 python3-venv",
  );
}

/** Registers Deno as a Jupyter kernel inside the project, for `deno task lab`. */
async function writeKernelSpec(): Promise<void> {
  const path = join(ENVIRONMENT, "share", "jupyter", "kernels", "deno", "kernel.json");
  const specification = {
    argv: [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"],
    display_name: "Deno",
    language: "typescript",
    env: kernelEnvironment(),
  };
  const text = JSON.stringify(specification, null, 2) + "\n";
  if (await readIfThere(path) !== text) await writeFileAtomic(path, text);
}

/**
 * Runs a command until it succeeds, at most {@link TRIES} times; a try that takes too long is
 * killed. Its output is shown only in part (`show`), and in full when the last try has failed.
 */
export async function runWithRetries(
  command: string,
  args: string[],
  minutes: number,
  options: { failure: string; show?: (line: string) => string | undefined },
): Promise<void> {
  const { failure, show } = options;
  let log = "";
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const process = new Deno.Command(command, {
      args,
      cwd: PROJECT,
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", PYTHONUNBUFFERED: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let isLate = false;
    const limit = setTimeout(() => {
      isLate = true;
      process.kill("SIGKILL");
    }, minutes * 60_000);
    log = "";
    const follow = async (stream: ReadableStream<Uint8Array>) => {
      let rest = "";
      for await (const text of stream.pipeThrough(new TextDecoderStream())) {
        log += text;
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const shown = show?.(line);
          if (shown !== undefined) console.error(shown);
        }
      }
    };
    const [status] = await Promise.all([
      process.status,
      follow(process.stdout),
      follow(process.stderr),
    ]);
    clearTimeout(limit);
    if (status.success) return;
    const why = isLate ? `it took longer than ${minutes} minutes` : "it failed";
    if (attempt < TRIES) console.error(`  Try ${attempt} of ${TRIES}: ${why}; trying again ...`);
    else log += `\n(${why})`;
  }
  const end = log.trim().split("\n").slice(-30).join("\n");
  throw new SetupError(`${failure} as the command fails: ${command} ${args.join(" ")}\n${end}`);
}

async function succeeds(command: string, args: string[]): Promise<boolean> {
  return await commandOutput(command, args) !== undefined;
}

async function readIfThere(path: string): Promise<string> {
  return await Deno.readTextFile(path).catch(() => "");
}

if (import.meta.main) Deno.exit(await main(Deno.args));
