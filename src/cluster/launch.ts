import { CLUSTER_VARIABLE } from "./tf_config.ts";

/** What local workers run. */
export interface LaunchOptions {
  /** How many processes. */
  workers: number;
  /** Deno's arguments: the program and its own arguments. */
  args: string[];
  /**
   * The GPUs to train on, as `CUDA_VISIBLE_DEVICES` names them: see `workerGpus`. Each worker gets one; with
   * an empty list they see none, and share the cores.
   */
  gpus: readonly string[];
  /** Seconds that the others have to end by themselves when one has failed. Default: 30. */
  patience?: number;
}

/** One Ctrl-C can arrive twice, from the terminal and handed on; see `Interrupt`. */
const SIGNALS: Deno.Signal[] = ["SIGINT", "SIGTERM"];

/**
 * Starts workers on this machine, which train together through its loopback interface, and waits for
 * them. What the chief prints is printed; of the others, errors alone, each line with the worker's name.
 * When one fails the others end too: those that it was connected with by themselves, the rest by SIGTERM.
 *
 * @returns The exit code: 0, or that of the worker that ended first with another.
 * @throws {RangeError} If the number of workers is not a whole number from 1 on, or there are fewer GPUs.
 */
export async function launchWorkers(options: LaunchOptions): Promise<number> {
  const { workers, args, gpus, patience = 30 } = options;
  if (!Number.isInteger(workers) || workers < 1) {
    throw new RangeError(
      `Cannot start workers as their number must be a whole number >= 1: ${workers}`,
    );
  }
  if (gpus.length > 0 && workers > gpus.length) {
    throw new RangeError(
      `Cannot start ${workers} workers as NCCL wants a GPU for each of them, and there are ` +
        `${gpus.length}: ${gpus.join(", ")}. Use --workers ${gpus.length}, or the CPU: --set ` +
        `training.device=cpu`,
    );
  }
  const addresses = freePorts(workers).map((port) => `127.0.0.1:${port}`);
  const children = addresses.map((_, index) =>
    new Deno.Command(Deno.execPath(), {
      args,
      env: {
        [CLUSTER_VARIABLE]: JSON.stringify({
          cluster: { worker: addresses },
          task: { type: "worker", index },
        }),
        CUDA_VISIBLE_DEVICES: gpus[index] ?? "",
        ...(gpus.length === 0 && threads(workers)),
      },
      stdin: "null",
      stdout: index === 0 ? "inherit" : "null",
      stderr: index === 0 ? "inherit" : "piped",
    }).spawn()
  );
  let isStopping = false;
  const forward = SIGNALS.map((signal) => {
    const listener = () => {
      isStopping = true;
      for (const child of children) kill(child, signal);
    };
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  let stop: ReturnType<typeof setTimeout> | undefined;
  try {
    let code = 0;
    await Promise.all(children.map(async (child, index) => {
      const printed = index === 0 ? undefined : printLines(child.stderr, `worker ${index}`);
      const status = await child.status;
      await printed;
      if (status.code === 0 || code !== 0) return;
      code = status.code;
      // One that saves what it has been told to save must not be told twice.
      if (isStopping) return;
      stop = setTimeout(() => {
        console.error(`worker ${index} has ended with ${code}: the others are stopped`);
        for (const child of children) kill(child, "SIGTERM");
      }, patience * 1000);
    }));
    return code;
  } finally {
    clearTimeout(stop);
    for (const { signal, listener } of forward) Deno.removeSignalListener(signal, listener);
  }
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // it has ended
  }
}

/** Ports of the loopback interface that nothing listens on. */
function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map(({ addr }) => (addr as Deno.NetAddr).port);
  for (const listener of listeners) listener.close();
  return ports;
}

/** The cores in equal parts, unless the user has said how many threads a process takes. */
function threads(workers: number): Record<string, string> {
  const name = "PNEUMOTHORAX_THREADS";
  if (Deno.env.get(name)) return {};
  return { [name]: `${Math.max(1, Math.floor(navigator.hardwareConcurrency / workers))}` };
}

async function printLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  name: string,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) console.error(`${name}: ${line}`);
  }
  if (rest) console.error(`${name}: ${rest}`);
}
