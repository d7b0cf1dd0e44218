import { join } from "node:path";
import { exists } from "@/files/mod.ts";
import type { Check } from "./finding.ts";
import type { Machine } from "./machine.ts";

/** In the order in which they matter to someone who starts. */
export const CHECKS: readonly Check[] = [
  { name: "Deno", look: lookAtDeno },
  { name: "Node", look: lookAtNode },
  { name: "Python", look: lookAtPython },
  { name: "setup", look: lookAtSetup },
  { name: "TensorFlow", look: lookAtTensorFlow },
  { name: "GPU", look: lookAtGpu },
  { name: "JPEG", look: lookAtJpeg },
  { name: "threads", look: lookAtThreads },
  { name: "memory", look: lookAtMemory },
  { name: "disk", look: lookAtDisk },
  { name: "JupyterLab", look: lookAtJupyterLab },
  { name: "kernel", look: lookAtKernel },
  { name: "data set", look: lookAtData },
  { name: "runs", look: lookAtRuns },
  { name: "weights", look: lookAtWeights },
];

const SETUP = "deno task setup";
const GB = 1e9;

/** The versions that the project is tested with; another one may do. */
const DENO = "2.9";
/** As `setup.ts` needs it. */
const PYTHON = { oldest: 10, newest: 13 };

function lookAtDeno({ deno: { version, path } }: Machine) {
  const found = `${version} (${path})`;
  if (version.startsWith(`${DENO}.`)) return { status: "ok" as const, found };
  return {
    status: "warn" as const,
    found: `${found}; the project is tested with ${DENO}`,
    mend: "npx --yes deno@2.9.6 task ..., or install that version",
  };
}

async function lookAtNode(machine: Machine) {
  const version = await machine.output("node", ["--version"]);
  const found = version === undefined
    ? "none; not needed where Deno is installed"
    : `${version}, for npx only`;
  return { status: "ok" as const, found };
}

async function lookAtPython(machine: Machine) {
  const commands = [
    environmentPython(machine),
    "python3",
    ...[13, 12, 11, 10].map((minor) => `python3.${minor}`),
  ];
  const others: string[] = [];
  for (const command of commands) {
    const version = (await machine.output(command, ["--version"]))?.replace(/^Python /, "");
    if (version === undefined) continue;
    const [major, minor = 0] = version.split(".").map(Number);
    if (major === 3 && minor >= PYTHON.oldest && minor <= PYTHON.newest) {
      return { status: "ok" as const, found: `${version} (${command})` };
    }
    others.push(`${command} is ${version}`);
  }
  const needed = `Python 3.${PYTHON.oldest} to 3.${PYTHON.newest}`;
  return {
    // A TensorFlow that is there works without.
    status: hasTensorFlow(machine) ? "warn" as const : "fail" as const,
    found: [`no ${needed}`, ...others].join(", "),
    mend: `install ${needed} with venv, on Debian and Ubuntu: apt install python3 python3-venv`,
  };
}

async function lookAtSetup(machine: Machine) {
  if (await exists(join(machine.project, ".venv", "setup.unfinished"))) {
    return { status: "fail" as const, found: "was interrupted while it installed", mend: SETUP };
  }
  if (await exists(join(machine.project, ".venv", "setup.json"))) {
    return { status: "ok" as const, found: "done" };
  }
  return {
    status: "warn" as const,
    found: "not done yet",
    mend: `${SETUP} (about 2 GB; every other task does it first)`,
  };
}

async function lookAtTensorFlow(machine: Machine) {
  let library;
  try {
    library = machine.findTensorFlow();
  } catch (error) {
    const named = machine.variable("PNEUMOTHORAX_TENSORFLOW") !== undefined;
    return {
      status: "fail" as const,
      found: named ? (error as Error).message : "none",
      mend: named ? "unset PNEUMOTHORAX_TENSORFLOW, or name the library or its folder" : SETUP,
    };
  }
  const loaded = await machine.loadTensorFlow();
  const place = `${library.path}, ${SOURCES[library.source]}`;
  if ("problem" in loaded) {
    return {
      status: "fail" as const,
      found: `${
        library.version ?? "of unknown version"
      } does not work: ${loaded.problem} (${place})`,
      mend: library.source === "project"
        ? `${SETUP} --force`
        : "name another library with PNEUMOTHORAX_TENSORFLOW",
    };
  }
  return { status: "ok" as const, found: `${loaded.version} computes (${place})` };
}

const SOURCES = {
  environment: "named by PNEUMOTHORAX_TENSORFLOW",
  project: "of this project",
  python: "of the python3 on PATH",
} as const;

async function lookAtGpu(machine: Machine) {
  const answer = await machine.output("nvidia-smi", [
    "--query-gpu=name,memory.total,driver_version",
    "--format=csv,noheader",
  ]);
  const gpus = (answer ?? "").split("\n").filter(Boolean).map((line) => {
    const [name, memory, driver] = line.split(", ");
    return `${name} (${memory}, driver ${driver})`;
  });
  if (gpus.length === 0) {
    return { status: "ok" as const, found: "no NVIDIA driver: TensorFlow computes on the CPU" };
  }
  const loaded = hasTensorFlow(machine) ? await machine.loadTensorFlow() : undefined;
  if (loaded && "devices" in loaded && loaded.devices.includes("GPU")) {
    return { status: "ok" as const, found: `${gpus.join("; ")}, used by TensorFlow` };
  }
  return {
    status: "warn" as const,
    found: `${gpus.join("; ")}, but TensorFlow does not use it`,
    mend: `${SETUP} --force installs TensorFlow with CUDA; a driver may be too old for it`,
  };
}

async function lookAtJpeg(machine: Machine) {
  const library = await machine.findJpegLibrary();
  if ("path" in library) return { status: "ok" as const, found: `libjpeg-turbo (${library.path})` };
  return {
    status: "warn" as const,
    found:
      "sharp alone, which takes twice as long and reads no JPEG Lossless and none of 12 bits: " +
      library.problem,
    mend: "deno install fetches libjpeg-turbo (for Linux and macOS)",
  };
}

function lookAtThreads({ cores, variable }: Machine) {
  const limit = variable("PNEUMOTHORAX_THREADS");
  if (limit === undefined) return { status: "ok" as const, found: `${cores}, all used` };
  if (/^[1-9]\d*$/.test(limit)) {
    return { status: "ok" as const, found: `${limit} of ${cores} (PNEUMOTHORAX_THREADS)` };
  }
  return {
    status: "fail" as const,
    found: `PNEUMOTHORAX_THREADS must be a positive whole number: ${limit}`,
    mend: "unset PNEUMOTHORAX_THREADS",
  };
}

async function lookAtMemory(machine: Machine) {
  const { total, available } = await machine.memory();
  const found = `${gigabytes(available)} free of ${gigabytes(total)}`;
  // The notebooks' largest stage, the kernel and JupyterLab together.
  if (available >= 3 * GB) return { status: "ok" as const, found };
  return {
    status: "warn" as const,
    found,
    mend: "close other programs, or train smaller: --set training.batch=2 --set data.size=128",
  };
}

async function lookAtDisk(machine: Machine) {
  const free = await machine.freeBytes(machine.project);
  const found = `${gigabytes(free)} free`;
  const probe = join(machine.project, `.doctor-${crypto.randomUUID()}.partial`);
  try {
    await Deno.writeTextFile(probe, "");
    await Deno.remove(probe);
  } catch {
    return {
      status: "fail" as const,
      found: `the project's folder cannot be written: ${machine.project}`,
      mend: "copy the project to where you may write, or change the folder's owner",
    };
  }
  const isSetUp = await exists(join(machine.project, ".venv", "setup.json"));
  const needed = isSetUp ? 0.5 * GB : 3 * GB;
  if (free < needed) {
    return {
      status: "fail" as const,
      found: `${found}; ${gigabytes(needed)} are needed`,
      mend: "free some, or move the project",
    };
  }
  if (free >= 2 * needed) return { status: "ok" as const, found };
  return { status: "warn" as const, found, mend: "free some before you train" };
}

async function lookAtJupyterLab(machine: Machine) {
  for (const python of [environmentPython(machine), "python3"]) {
    const version = await machine.output(python, [
      "-c",
      "from importlib.metadata import version; print(version('jupyterlab'))",
    ]);
    if (version !== undefined) return { status: "ok" as const, found: `${version} (${python})` };
  }
  return {
    status: "warn" as const,
    found: "none; needed by `deno task lab` only",
    mend: hasTensorFlow(machine) ? "python3 -m pip install jupyterlab" : SETUP,
  };
}

async function lookAtKernel(machine: Machine) {
  const path = join(machine.project, ".venv/share/jupyter/kernels/deno/kernel.json");
  const text = await Deno.readTextFile(path).catch(() => undefined);
  if (text === undefined) {
    return { status: "warn" as const, found: "not registered yet with JupyterLab", mend: SETUP };
  }
  const deno = (JSON.parse(text) as { argv: string[] }).argv[0]!;
  if (await exists(deno)) return { status: "ok" as const, found: `Deno of ${deno}` };
  return { status: "warn" as const, found: `its Deno is gone: ${deno}`, mend: SETUP };
}

async function lookAtData(machine: Machine) {
  const named = machine.variable("PNEUMOTHORAX_DATA");
  const root = named ?? join(machine.project, "data", "phantom-clear");
  const lacks: string[] = [];
  for (const name of ["train-rle.csv", "dicom-images-train"]) {
    if (!await exists(join(root, name))) lacks.push(name);
  }
  if (lacks.length === 0) {
    const films = await countFiles(join(root, "dicom-images-train"), /\.dcm$/i);
    return { status: "ok" as const, found: `${films} training films in ${root}` };
  }
  if (named !== undefined) {
    return {
      status: "fail" as const,
      found: `PNEUMOTHORAX_DATA has no ${lacks.join(" and no ")}: ${root}`,
      mend: "name the folder that holds them, or unset PNEUMOTHORAX_DATA",
    };
  }
  return {
    status: "warn" as const,
    found: "none yet",
    mend: "deno task phantom draws synthetic films (half a minute); --data DIR names your own",
  };
}

async function lookAtRuns(machine: Machine) {
  const folder = machine.variable("PNEUMOTHORAX_RUNS") ??
    join(machine.project, "experiments", "runs");
  let finished = 0;
  let others = 0;
  for (const name of await namesIn(folder)) {
    const record = await Deno.readTextFile(join(folder, name, "run.yaml")).catch(() => undefined);
    if (record === undefined) continue;
    if (/^status: finished$/m.test(record)) finished++;
    else others++;
  }
  const found = `${finished} finished, ${others} not (deno task runs)`;
  if (finished + others > 0) return { status: "ok" as const, found };
  return {
    status: "ok" as const,
    found: "none yet: deno task train phantom/1-128 makes the first",
  };
}

async function lookAtWeights(machine: Machine) {
  const names = await namesIn(join(machine.project, "data", "weights"));
  const files = names.filter((name) => name.endsWith(".safetensors")).sort();
  const found = files.length > 0
    ? files.join(", ")
    : "none; only experiments with model.weights need them (deno task weights --help)";
  return { status: "ok" as const, found };
}

function environmentPython({ project }: Machine): string {
  return join(project, ".venv", "bin", "python");
}

function hasTensorFlow(machine: Machine): boolean {
  try {
    machine.findTensorFlow();
    return true;
  } catch {
    return false;
  }
}

async function countFiles(folder: string, pattern: RegExp): Promise<number> {
  let count = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) count += await countFiles(join(folder, name), pattern);
    else if (pattern.test(name)) count++;
  }
  return count;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch {
    return []; // there is no such folder
  }
}

function gigabytes(bytes: number): string {
  return `${(bytes / GB).toFixed(bytes < 10 * GB ? 1 : 0)} GB`;
}
