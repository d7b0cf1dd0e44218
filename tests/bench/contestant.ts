import { type Program, scriptPath } from "./rows.ts";

/** A contestant says why it cannot take part, for example that its processor lacks something. */
export class CannotTakePartError extends Error {
  override readonly name = "CannotTakePartError";
}

/** Longest time for one answer, in milliseconds. */
const LIMIT = 15 * 60_000;

/**
 * A program that is measured: a process that lives as long as its row and speaks a line protocol.
 *
 * It prints `ready {versions}` when it is set up (or `cannot REASON`, and ends). To each line `go` it
 * answers with `sample NUMBER`, which it has measured itself; to any other line, or the end of its
 * input, with `end NUMBER`, the peak of its resident memory in MiB.
 */
export class Contestant {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncGenerator<string, void, void>;
  readonly #command: string;
  readonly #log: Promise<void>;
  #errors = "";

  private constructor(readonly program: Program, python: string) {
    const script = scriptPath(program);
    const isOurs = script.endsWith(".ts");
    const args = [script, ...program.args.map(String)];
    this.#command = [program.script, ...program.args].join(" ");
    this.#process = new Deno.Command(isOurs ? Deno.execPath() : python, {
      args: isOurs ? ["run", "-A", ...args] : args,
      env: { NO_COLOR: "1", TF_CPP_MIN_LOG_LEVEL: "3", PYTHONDONTWRITEBYTECODE: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#lines = linesOf(this.#process.stdout);
    this.#log = this.#keepErrors();
  }

  /**
   * Starts a program, and waits until it is set up.
   *
   * @param python Of the peers' environment.
   * @returns The contestant, and the versions of what it runs on.
   * @throws {CannotTakePartError} If it says so.
   * @throws {Error} If it fails; the message has the end of what it printed.
   */
  static async start(
    program: Program,
    python: string,
  ): Promise<{ contestant: Contestant; versions: Record<string, string> }> {
    const contestant = new Contestant(program, python);
    try {
      return { contestant, versions: JSON.parse(await contestant.#answer("ready")) };
    } catch (error) {
      await contestant.stop();
      throw error;
    }
  }

  /** Lets it measure one sample. */
  async sample(): Promise<number> {
    await this.#say("go");
    return Number(await this.#answer("sample"));
  }

  /** Ends it. @returns The peak of its resident memory in MiB. */
  async end(): Promise<number> {
    await this.#say("end");
    const peak = Number(await this.#answer("end"));
    await this.stop();
    return peak;
  }

  /** Ends it at once. */
  async stop(): Promise<void> {
    await this.#input.close().catch(() => {}); // it may be gone already
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await this.#lines.return();
    await Promise.all([this.#process.status, this.#log]);
  }

  async #say(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`)).catch(() => {});
  }

  /** The rest of the next line that begins with a word; others are what libraries print. */
  async #answer(word: string): Promise<string> {
    const late = setTimeout(() => this.#process.kill("SIGKILL"), LIMIT);
    try {
      for (;;) {
        const { value: line, done } = await this.#lines.next();
        if (done) break;
        if (line.startsWith(`${word} `)) return line.slice(word.length + 1);
        if (line.startsWith("cannot ")) throw new CannotTakePartError(line.slice(7));
      }
    } finally {
      clearTimeout(late);
    }
    await this.#log;
    throw new Error(
      `Cannot measure ${this.#command} as it ended: ${this.#errors.trim() || "it printed nothing"}`,
    );
  }

  async #keepErrors(): Promise<void> {
    for await (const text of this.#process.stderr.pipeThrough(new TextDecoderStream())) {
      this.#errors = (this.#errors + text).slice(-3000);
    }
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
