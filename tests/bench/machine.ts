import { cpus, loadavg, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";
import type { Machine } from "./report.ts";

/** What this machine is. @param devices Kinds of TensorFlow's devices. */
export async function describeMachine(devices: string[]): Promise<Machine> {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    commit: await commit(),
    processor: processors[0]?.model ?? "an unknown processor",
    cores: processors.length,
    memoryGiB: totalmem() / 2 ** 30,
    system: `${type()} ${release()} ${Deno.build.arch}`,
    load: loadavg()[0]!,
    devices,
  };
}

/** Kinds of the devices that TensorFlow finds, asked in a process of its own: it would stay here. */
export async function tensorflowDevices(): Promise<string[]> {
  const script = fileURLToPath(new URL("ours/devices.ts", import.meta.url));
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
  return new TextDecoder().decode(stdout).trim().split("\n");
}

async function commit(): Promise<string> {
  const cwd = fileURLToPath(new URL(".", import.meta.url));
  const git = async (...args: string[]) => {
    const { stdout } = await new Deno.Command("git", { args, cwd, stderr: "null" }).output();
    return new TextDecoder().decode(stdout).trim();
  };
  try {
    const changed = await git("status", "--porcelain", "--untracked-files=no") !== "";
    return await git("rev-parse", "--short", "HEAD") + (changed ? " with changes" : "");
  } catch {
    return "unknown"; // there is no git
  }
}
