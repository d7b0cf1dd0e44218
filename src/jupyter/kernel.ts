import { Dealer, Subscriber } from "zeromq";
import { join } from "node:path";
import { kernelEnvironment } from "./environment.ts";
import { decodeMessage, encodeRequest, type Message, type MessageContent } from "./message.ts";

/** The kernel process ended, or the connection to it broke, before it answered. */
export class KernelError extends Error {
  override name = "KernelError";
}

/** What the kernel answers to a request to run code, once all output of it has arrived. */
export interface ExecuteReply {
  status: "ok" | "error";
  errorName: string;
  errorMessage: string;
  traceback: string[];
}

export interface KernelOptions {
  /** Working directory of the kernel: relative imports and paths of a notebook start there. */
  cwd: string;
  /** Environment variables on top of the inherited ones. */
  env?: Record<string, string>;
  /** How long a kernel may take to answer for the first time, in seconds. Default: 60. */
  startTimeout?: number;
}

const START_ATTEMPTS = 3;
const UNHANDLED = "unhandled_error";
const FLUSHED = "output_flushed";

/**
 * Reports what Deno's kernel swallows (errors outside the awaited code), and ends the kernel when
 * the process that started it is gone.
 */
const PRELUDE = `{
  const report = (error) =>
    Deno.jupyter.broadcast("${UNHANDLED}", { text: error?.stack ?? String(error) });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    report(event.reason);
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    report(event.error ?? event.message);
  });
  const parent = Deno.ppid;
  setInterval(() => Deno.ppid === parent || Deno.exit(1), 1000);
}`;

/**
 * A running Deno kernel (`deno jupyter`) and the client's end of its sockets.
 *
 * Deno's kernel sends output through a queue of its own, unordered with the "idle" message that
 * Jupyter clients take for the end of a cell. {@link Kernel.execute} therefore sends a silent
 * marker through the same queue after each request and reads until the marker comes back.
 */
export class Kernel {
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<Deno.CommandStatus>;
  /** Stack traces of unhandled rejections and errors since the start. */
  readonly unhandledErrors: string[] = [];
  #process: Deno.ChildProcess;
  #shell: Dealer;
  #iopub: Subscriber;
  #key: string;
  #session = crypto.randomUUID();
  #listeners = new Set<(channel: "shell" | "iopub", message: Message) => void>();
  #failed = Promise.withResolvers<never>();
  #closed = false;
  #loops: Promise<void>[] = [];
  #native = "";

  private constructor(process: Deno.ChildProcess, connection: Connection) {
    this.#process = process;
    this.#key = connection.key;
    // Unlimited queues: an output-heavy cell must not lose messages here.
    this.#iopub = new Subscriber({ linger: 0, receiveHighWaterMark: 0, reconnectInterval: 20 });
    this.#shell = new Dealer({ linger: 0, reconnectInterval: 20 });
    this.#iopub.subscribe();
    this.#iopub.connect(`tcp://127.0.0.1:${connection.iopub_port}`);
    this.#shell.connect(`tcp://127.0.0.1:${connection.shell_port}`);
    this.#failed.promise.catch(() => {});
    const streams = [this.#captureNative(process.stdout), this.#captureNative(process.stderr)];
    this.exited = process.status.then(async (status) => {
      await Promise.all(streams);
      this.#failed.reject(new KernelError(describeExit(status)));
      return status;
    });
    this.#loops = [this.#receive("iopub", this.#iopub), this.#receive("shell", this.#shell)];
  }

  /**
   * Starts a kernel and waits until both of its channels answer.
   *
   * @throws {KernelError} If the kernel does not start in time, three times in a row.
   */
  static async start(options: KernelOptions): Promise<Kernel> {
    for (let attempt = 1;; attempt++) {
      try {
        return await Kernel.#startOnce(options);
      } catch (error) {
        // Between choosing free ports and the kernel's binding them another process may take one.
        if (!(error instanceof KernelError) || attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  static async #startOnce({ cwd, env = {}, startTimeout = 60 }: KernelOptions): Promise<Kernel> {
    const folder = await Deno.makeTempDir({ prefix: "deno-kernel-" });
    try {
      const connection = chooseConnection();
      const file = join(folder, "connection.json");
      await Deno.writeTextFile(file, JSON.stringify(connection), { mode: 0o600 });
      const process = new Deno.Command(Deno.execPath(), {
        args: ["jupyter", "--kernel", "--conn", file],
        cwd,
        env: { ...kernelEnvironment(), ...env },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
        // A group of its own: Ctrl-C then reaches the kernel once, through `interrupt()`.
        detached: true,
      }).spawn();
      const kernel = new Kernel(process, connection);
      try {
        await kernel.#untilReady(startTimeout);
        await kernel.execute(PRELUDE, { silent: true });
      } catch (error) {
        await kernel.stop();
        throw error;
      }
      return kernel;
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }

  /**
   * Runs code and resolves once all output of it has arrived.
   *
   * @param code TypeScript, as in a notebook cell.
   * @param options.silent Do not count the code as a cell. Default: false.
   * @param options.onMessage Gets every output message, in order.
   * @throws {KernelError} If the kernel ends or the connection breaks meanwhile.
   */
  async execute(
    code: string,
    options: { silent?: boolean; onMessage?: (message: Message) => void } = {},
  ): Promise<ExecuteReply> {
    const { silent = false, onMessage = () => {} } = options;
    const requestId = crypto.randomUUID();
    const token = crypto.randomUUID();
    const replied = Promise.withResolvers<MessageContent>();
    const flushed = Promise.withResolvers<void>();
    const listener = (channel: "shell" | "iopub", message: Message) => {
      if (channel === "shell") {
        if (message.parentId === requestId) replied.resolve(message.content);
      } else if (message.type !== FLUSHED) {
        onMessage(message);
      } else if (message.content["token"] === token) {
        flushed.resolve();
      }
    };
    this.#listeners.add(listener);
    try {
      await this.#send("execute_request", executeRequest(code, silent), requestId);
      const reply = await Promise.race([replied.promise, this.#failed.promise]);
      const marker = `await Deno.jupyter.broadcast("${FLUSHED}", { token: "${token}" })`;
      await this.#send("execute_request", executeRequest(marker, true));
      await Promise.race([flushed.promise, this.#failed.promise]);
      return {
        status: reply["status"] === "ok" ? "ok" : "error",
        errorName: String(reply["ename"] ?? ""),
        errorMessage: String(reply["evalue"] ?? ""),
        traceback: Array.isArray(reply["traceback"]) ? reply["traceback"].map(String) : [],
      };
    } finally {
      this.#listeners.delete(listener);
    }
  }

  /** Sends SIGINT: code that listens for it can end in order, any other kernel dies of it. */
  interrupt(): void {
    this.#signal("SIGINT");
  }

  /** What native code wrote to the process's standard streams since the last call. */
  takeNativeOutput(): string {
    const text = this.#native;
    this.#native = "";
    return text;
  }

  /** Kills the process and closes the sockets. May be called more than once. */
  async stop(): Promise<void> {
    this.#closed = true;
    this.#signal("SIGKILL");
    await this.exited;
    await Promise.all(this.#loops);
    this.#shell.close();
    this.#iopub.close();
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch {
      // The process has ended already.
    }
  }

  /** The kernel is ready when it replies and its output arrives: the subscription is in place. */
  async #untilReady(timeout: number): Promise<void> {
    const ready = Promise.withResolvers<void>();
    const channels = new Set<string>();
    const listener = (channel: string) => {
      if (channels.add(channel).size === 2) ready.resolve();
    };
    this.#listeners.add(listener);
    const asking = setInterval(() => this.#send("kernel_info_request", {}), 100);
    let deadline: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new KernelError(`Cannot use the kernel as it gave no answer in ${timeout} s`);
      deadline = setTimeout(() => reject(error), timeout * 1000);
    });
    try {
      await Promise.race([ready.promise, this.#failed.promise, late]);
    } finally {
      clearInterval(asking);
      clearTimeout(deadline);
      this.#listeners.delete(listener);
    }
  }

  /**
   * Hands on the messages of one socket. Polls, as the promise of `receive()` on a socket that
   * also sends is never settled under Deno 2.9; the pause grows to 20 ms while nothing comes.
   */
  async #receive(channel: "shell" | "iopub", socket: Dealer | Subscriber): Promise<void> {
    let pause = 1;
    while (!this.#closed) {
      if (!socket.readable) {
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(20, pause * 1.1);
        continue;
      }
      pause = 1;
      try {
        const message = decodeMessage(await socket.receive(), this.#key);
        if (message.type === UNHANDLED) this.unhandledErrors.push(String(message.content["text"]));
        for (const listener of this.#listeners) listener(channel, message);
      } catch (error) {
        this.#failed.reject(new KernelError(`${error instanceof Error ? error.message : error}`));
        return;
      }
    }
  }

  async #captureNative(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) this.#native += text;
  }

  async #send(type: string, content: MessageContent, id = crypto.randomUUID()): Promise<void> {
    if (this.#closed) return;
    const request = { id, session: this.#session, type, content };
    await this.#shell.send(encodeRequest(request, this.#key));
  }
}

interface Connection {
  key: string;
  shell_port: number;
  iopub_port: number;
  [field: string]: string | number;
}

/** The content of a Jupyter connection file, with five TCP ports that are free now. */
function chooseConnection(): Connection {
  const listeners = Array.from(
    { length: 5 },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map((listener) => listener.addr.port);
  for (const listener of listeners) listener.close();
  const [shell_port = 0, iopub_port = 0, stdin_port = 0, control_port = 0, hb_port = 0] = ports;
  return {
    transport: "tcp",
    ip: "127.0.0.1",
    signature_scheme: "hmac-sha256",
    kernel_name: "deno",
    key: crypto.randomUUID(),
    shell_port,
    iopub_port,
    stdin_port,
    control_port,
    hb_port,
  };
}

function executeRequest(code: string, silent: boolean): MessageContent {
  return {
    code,
    silent,
    store_history: !silent,
    user_expressions: {},
    allow_stdin: false,
    stop_on_error: !silent,
  };
}

function describeExit(status: Deno.CommandStatus): string {
  return `The kernel process ended (${status.signal ?? `exit code ${status.code}`})`;
}
