import { statfs } from "node:fs/promises";
import { fileURLToPath } from "node:url";
// Not through the door, which would load TensorFlow: it may be what is missing.
import { findTensorFlow, type TensorFlowLibrary } from "@/tensorflow/library.ts";
import { commandOutput } from "./command_output.ts";

/** What the checks see of a machine; tests replace it. */
export interface Machine {
  /** The project's folder, with a slash at its end. */
  project: string;
  deno: { version: string; path: string };
  cores: number;
  /** The value of an environment variable; empty is as good as none. */
  variable(name: string): string | undefined;
  /** What a command prints on standard output, or undefined if it fails or there is none. */
  output(command: string, args: string[]): Promise<string | undefined>;
  /** @throws If there is none. */
  findTensorFlow(): TensorFlowLibrary;
  /** Loads TensorFlow in a process of its own, as a library that does not fit may end it. */
  loadTensorFlow(): Promise<{ version: string; devices: string[] } | { problem: string }>;
  /** The file of the library that decodes JPEG, or why it cannot be used. */
  findJpegLibrary(): Promise<{ path: string } | { problem: string }>;
  /** Free bytes of the disk that a folder is on. */
  freeBytes(folder: string): Promise<number>;
  /** Bytes that the process may use, and those that are free now. */
  memory(): Promise<{ total: number; available: number }>;
}

const PROBE_SECONDS = 60;

/** The machine that this runs on. */
export function thisMachine(): Machine {
  return {
    project: fileURLToPath(new URL("../../", import.meta.url)),
    deno: { version: Deno.version.deno, path: Deno.execPath() },
    cores: navigator.hardwareConcurrency,
    variable: (name) => Deno.env.get(name) || undefined,
    output: commandOutput,
    findTensorFlow,
    loadTensorFlow,
    async findJpegLibrary() {
      const { turboJpeg, turboJpegProblem } = await import("@/dicom/turbojpeg.ts");
      return turboJpeg ? { path: turboJpeg.path } : { problem: turboJpegProblem! };
    },
    async freeBytes(folder) {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    },
    memory,
  };
}

async function loadTensorFlow() {
  const probe = fileURLToPath(new URL("probe.ts", import.meta.url));
  const { success, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", probe],
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(PROBE_SECONDS * 1000),
  }).output();
  const text = new TextDecoder();
  const answer = text.decode(stdout).trim().split("\n").at(-1)!;
  if (success && answer.startsWith("{")) {
    return JSON.parse(answer) as { version: string; devices: string[] } | { problem: string };
  }
  const last = text.decode(stderr).trim().split("\n").at(-1);
  return { problem: signal === null ? last || "no answer" : `it ends with ${signal}` };
}

/** A container may allow less than the machine has. */
async function memory(): Promise<{ total: number; available: number }> {
  const { total, available } = Deno.systemMemoryInfo();
  const read = (name: string) => Deno.readTextFile(`/sys/fs/cgroup/memory.${name}`).catch(() => "");
  const [limit, used] = [parseInt(await read("max")), parseInt(await read("current"))];
  if (!(limit < total)) return { total, available };
  return { total: limit, available: Math.min(available, Math.max(0, limit - used)) };
}
