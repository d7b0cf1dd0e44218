import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { sha256File } from "@/files/mod.ts";
import { projectFolder } from "./folders.ts";
import type { GitState, Reduction, Surroundings } from "./run.ts";

/** Variables that change what a run does. A list, so that no other variable, no secret, is kept. */
const recordedVariables = [
  "CUDA_VISIBLE_DEVICES",
  "OMP_NUM_THREADS",
  "PNEUMOTHORAX_MAX_BAD",
  "PNEUMOTHORAX_QUICK",
  "PNEUMOTHORAX_THREADS",
  "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_LEVEL",
  "TF_CUDNN_DETERMINISTIC",
  "TF_DETERMINISTIC_OPS",
  "TF_ENABLE_ONEDNN_OPTS",
  "TF_FORCE_GPU_ALLOW_GROWTH",
  "TF_GPU_ALLOCATOR",
  "TF_NUM_INTEROP_THREADS",
  "TF_NUM_INTRAOP_THREADS",
  "TF_XLA_FLAGS",
  "XLA_FLAGS",
];

/** What only the caller knows of a run's surroundings. */
export interface KnownSurroundings {
  /** Versions beside Deno's, for example that of TensorFlow. */
  versions?: Record<string, string>;
  /** The GPU's name, if one is used. */
  gpu?: string;
  /** Processes that train together (default: 1). */
  workers?: number;
  /** What they average at each change of the weights. */
  reduction?: Reduction;
}

/** The program and the machine as they are now. */
export async function describeSurroundings(known: KnownSurroundings): Promise<Surroundings> {
  return {
    git: await describeGit(projectFolder),
    versions: {
      deno: Deno.version.deno,
      tfjs: await importedVersion("@tensorflow/tfjs"),
      ...known.versions,
      lock: await sha256File(join(projectFolder, "deno.lock")).catch(() => null),
    },
    device: {
      platform: `${Deno.build.os} ${Deno.build.arch}`,
      cpu: cpus()[0]?.model.trim() || "unknown",
      cores: navigator.hardwareConcurrency,
      memory: totalmem(),
      gpu: known.gpu ?? null,
    },
    workers: known.workers ?? 1,
    reduction: known.reduction ?? null,
    environment: Object.fromEntries(recordedVariables.flatMap((name) => {
      const value = Deno.env.get(name);
      return value === undefined ? [] : [[name, value]];
    })),
  };
}

/** The commit of a folder and whether files differ from it, or why that is not known. */
export async function describeGit(folder: string): Promise<GitState> {
  try {
    const commit = await git(folder, "rev-parse", "HEAD");
    const changes = await git(folder, "status", "--porcelain");
    return { commit, dirty: changes !== "" };
  } catch (error) {
    return { commit: null, dirty: null, reason: (error as Error).message };
  }
}

async function git(folder: string, ...args: string[]): Promise<string> {
  const command = new Deno.Command("git", {
    args: ["-C", folder, ...args],
    env: { LC_ALL: "C" },
    stdin: "null",
  });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout).trim();
  throw new Error(decoder.decode(stderr).trim().split("\n")[0] || "git failed");
}

/** The version that the import map pins a package to. */
async function importedVersion(name: string): Promise<string | null> {
  try {
    const { imports } = JSON.parse(await Deno.readTextFile(join(projectFolder, "deno.json")));
    return /@(\d[^@/]*)$/.exec(imports[name])?.[1] ?? null;
  } catch {
    return null;
  }
}
