import { fileURLToPath } from "node:url";
import type { Run } from "@/experiments/mod.ts";
import type { StageProgram } from "./stage_program.ts";
import type { Steps } from "./steps_program.ts";

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));

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

/** Starts a program in so many processes; one alone has no cluster. */
function start(
  count: number,
  program: string,
  argumentsOf: (index: number) => string[],
  threads = Deno.env.get("PNEUMOTHORAX_THREADS") ?? "1",
): Deno.ChildProcess[] {
  const configs = count === 1 ? [""] : tfConfigs(count);
  return configs.map((config, index) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", program, ...argumentsOf(index)],
      env: { TF_CONFIG: config, PNEUMOTHORAX_THREADS: threads },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn()
  );
}

async function outcome(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const [printed, said] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, printed: printed!, stderr: said! };
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
  const children = start(
    count,
    program("stage_program.ts"),
    (index) => [runs, JSON.stringify({ ...options, ...different[index] })],
  );
  const outcomes = children.map(async (child) => {
    const { code, printed, stderr } = await outcome(child);
    return { code, run: printed ? JSON.parse(printed) : undefined, stderr };
  });
  const { name, worker } = options.signal ?? {};
  if (name === "SIGSTOP") {
    await Promise.all(outcomes.filter((_, index) => index !== worker));
    children[worker!]!.kill("SIGKILL"); // it would stay for ever
  }
  return await Promise.all(outcomes);
}

/** What steps made of a model. */
export interface StepsOutcome {
  losses: number[];
  /** All weights, one after another. */
  weights: Float64Array;
}

/**
 * Makes training steps with so many workers.
 *
 * @param threads Of each.
 * @throws {Error} If a worker fails.
 */
export async function makeSteps(
  count: number,
  options: Steps,
  threads?: string,
): Promise<StepsOutcome> {
  const file = await Deno.makeTempFile();
  try {
    const args = [JSON.stringify(options), file];
    const children = start(count, program("steps_program.ts"), () => args, threads);
    const [chief, ...others] = await Promise.all(children.map(outcome));
    const failed = [chief!, ...others].find(({ code }) => code !== 0);
    if (failed) throw new Error(`Cannot make the steps: ${failed.stderr}`);
    const bytes = await Deno.readFile(file);
    return { losses: JSON.parse(chief!.printed), weights: new Float64Array(bytes.buffer) };
  } finally {
    await Deno.remove(file);
  }
}
