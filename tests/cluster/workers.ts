import { fileURLToPath } from "node:url";
import type { Run } from "@/experiments/mod.ts";
import type { StageProgram } from "./stage_program.ts";

const PROGRAM = fileURLToPath(new URL("stage_program.ts", import.meta.url));

/** What became of one worker. */
export interface Outcome {
  code: number;
  /** Of the chief, if it finished. */
  run: Run | undefined;
  stderr: string;
}

/** Loopback addresses that nothing listens on. */
export function freeAddresses(count: number): string[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const addresses = listeners.map(({ addr }) => `127.0.0.1:${(addr as Deno.NetAddr).port}`);
  for (const listener of listeners) listener.close();
  return addresses;
}

/** `TF_CONFIG` of each worker of a cluster. */
export function tfConfigs(count: number): string[] {
  const worker = freeAddresses(count);
  return worker.map((_, index) =>
    JSON.stringify({ cluster: { worker }, task: { type: "worker", index } })
  );
}

/**
 * Trains with so many workers, each in a process of its own; with one, without a cluster.
 *
 * @param different What single workers do otherwise, by their number.
 */
export async function train(
  count: number,
  runs: string,
  options: StageProgram,
  different: Record<number, Partial<StageProgram>> = {},
): Promise<Outcome[]> {
  const configs = count === 1 ? [""] : tfConfigs(count);
  const children = configs.map((config, index) => {
    const json = JSON.stringify({ ...options, ...different[index] });
    return new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", PROGRAM, runs, json],
      env: { TF_CONFIG: config, PNEUMOTHORAX_THREADS: Deno.env.get("PNEUMOTHORAX_THREADS") ?? "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  });
  const outcomes = children.map(async (child) => {
    const { code, stdout, stderr } = await child.output();
    const [printed, said] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, run: printed ? JSON.parse(printed) : undefined, stderr: said! };
  });
  const { name, worker } = options.signal ?? {};
  if (name === "SIGSTOP") {
    await Promise.all(outcomes.filter((_, index) => index !== worker));
    children[worker!]!.kill("SIGKILL"); // it would stay for ever
  }
  return await Promise.all(outcomes);
}
