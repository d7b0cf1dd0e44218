import { dirname, resolve } from "node:path";
import { type ExecuteReply, Kernel, KernelError } from "./kernel.ts";
import type { Message } from "./message.ts";
import { withoutNativeNoise } from "./native_noise.ts";
import { cellSource, type CodeCell, joinLines, readNotebook, writeNotebook } from "./notebook.ts";
import { OutputCollector } from "./outputs.ts";
import { findSyntaxError } from "./syntax.ts";

/** Above this Deno's kernel may damage its message stream, and readers stop loading notebooks. */
export const MAX_OUTPUT_BYTES = 2 ** 20;
/** GitHub shows notebooks up to a few megabytes; ours stay well below. */
export const MAX_NOTEBOOK_BYTES = 2 * 2 ** 20;

export interface RunOptions {
  /** Where the executed notebook goes; may be the input itself. */
  output: string;
  /** Longest time a single cell may take, in seconds. Default: no limit. */
  timeout?: number;
  /** Environment variables for the kernel on top of the inherited ones. */
  env?: Record<string, string>;
  /** Gets the text of the newest output of the running cell (progress lines above all). */
  onProgress?: (text: string, cell: number) => void;
  /**
   * When it fires, the kernel gets SIGINT and has `grace` seconds to finish its cell (a training
   * stage writes a checkpoint), then the run ends as "interrupted".
   */
  interrupt?: AbortSignal;
  /** Seconds between SIGINT and the end of the kernel. Default: 60. */
  grace?: number;
}

/** Why and where a run stopped. */
export interface RunFailure {
  /** Number of the code cell, from 1. */
  cell: number;
  /** The code of that cell. */
  source: string;
  message: string;
}

export interface RunResult {
  status: "ok" | "failed" | "interrupted";
  /** Number of code cells that were started. */
  cells: number;
  /** Wall-clock time in seconds, with the start of the kernel. */
  seconds: number;
  failure?: RunFailure;
}

/** A cell did not end well; the message is for the reader of the notebook. */
class CellError extends Error {
  constructor(readonly ename: string, message: string, readonly traceback: string[] = []) {
    super(message);
  }
}

/** The user asked to stop. */
class InterruptedRun extends Error {}

/**
 * Runs a notebook from top to bottom in a fresh Deno kernel, in the notebook's folder, and writes
 * it with its outputs. The run stops at the first cell that fails: throws, does not parse, takes
 * too long, leaves a rejection unhandled, kills the kernel, or shows more than
 * {@link MAX_OUTPUT_BYTES}. The file is written then too, with the error as that cell's output.
 *
 * @throws {SyntaxError} If the file is no notebook.
 * @throws {KernelError} If no kernel can be started.
 */
export async function runNotebook(path: string, options: RunOptions): Promise<RunResult> {
  const started = performance.now();
  const notebook = await readNotebook(path);
  const codeCells: CodeCell[] = [];
  for (const cell of notebook.cells) {
    if (cell.cell_type !== "code") continue;
    cell.outputs = [];
    cell.execution_count = null;
    delete cell.metadata["execution"]; // timestamps
    if (cellSource(cell).trim() !== "") codeCells.push(cell);
  }
  const result: RunResult = { status: "ok", cells: 0, seconds: 0 };
  const first = codeCells[0];
  if (first) {
    const collector = new OutputCollector(first);
    const kernel = await Kernel.start({ cwd: dirname(resolve(path)), env: options.env ?? {} });
    try {
      for (const cell of codeCells) {
        cell.execution_count = ++result.cells;
        collector.beginCell(cell);
        await runCell(kernel, cell, collector, options);
      }
      await checkLateErrors(kernel, collector);
    } catch (error) {
      const cell = codeCells[result.cells - 1] ?? first;
      result.status = error instanceof InterruptedRun ? "interrupted" : "failed";
      const message = describeFailure(error, cell, collector);
      result.failure = { cell: result.cells, source: cellSource(cell), message };
    } finally {
      await kernel.stop();
    }
  }
  await writeNotebook(options.output, notebook);
  if (result.status === "ok") await checkNotebookSize(options.output, result, codeCells);
  result.seconds = (performance.now() - started) / 1000;
  return result;
}

async function runCell(
  kernel: Kernel,
  cell: CodeCell,
  collector: OutputCollector,
  options: RunOptions,
): Promise<void> {
  const unhandledBefore = kernel.unhandledErrors.length;
  const onMessage = (message: Message) => {
    collector.receive(message);
    const text = shownText(message);
    if (text !== undefined) options.onProgress?.(text, cell.execution_count ?? 0);
  };
  let reply: ExecuteReply;
  try {
    const executed = kernel.execute(cellSource(cell), { onMessage });
    reply = await withinLimits(executed, kernel, options);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    await kernel.stop();
    // The last words of a dying kernel may be among the lines that are otherwise noise.
    const native = kernel.takeNativeOutput();
    throw new CellError(
      "KernelError",
      native === "" ? error.message : `${error.message}\n${native}`,
    );
  }
  collector.addStream("stderr", withoutNativeNoise(kernel.takeNativeOutput()));
  if (options.interrupt?.aborted) throw new InterruptedRun("Interrupted");
  if (reply.status === "error") throw await explainError(reply, cell);
  const unhandled = kernel.unhandledErrors.slice(unhandledBefore);
  if (unhandled.length > 0) throw unhandledError(unhandled);
  checkOutputSizes(cell);
}

/** Ends the wait for a cell when its time is up, or some time after the user's interrupt. */
async function withinLimits(
  executed: Promise<ExecuteReply>,
  kernel: Kernel,
  { timeout, interrupt, grace = 60 }: RunOptions,
): Promise<ExecuteReply> {
  executed.catch(() => {}); // it may lose the race and fail when the kernel is stopped
  const stopped = Promise.withResolvers<never>();
  const timers: ReturnType<typeof setTimeout>[] = [];
  const failAfter = (seconds: number, error: Error) =>
    timers.push(setTimeout(() => stopped.reject(error), seconds * 1000));
  if (timeout !== undefined) {
    failAfter(timeout, new CellError("TimeoutError", `The cell took longer than ${timeout} s`));
  }
  const onInterrupt = () => {
    kernel.interrupt();
    failAfter(grace, new InterruptedRun("Interrupted; the cell did not end in time"));
  };
  if (interrupt?.aborted) onInterrupt();
  interrupt?.addEventListener("abort", onInterrupt);
  try {
    return await Promise.race([executed, stopped.promise]);
  } catch (error) {
    if (error instanceof KernelError && interrupt?.aborted) throw new InterruptedRun("Interrupted");
    throw error;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    interrupt?.removeEventListener("abort", onInterrupt);
  }
}

async function explainError(reply: ExecuteReply, cell: CodeCell): Promise<CellError> {
  const isShown = cell.outputs.some((output) => output.output_type === "error");
  if (isShown) {
    const message = `${reply.errorName}: ${reply.errorMessage}`;
    return new CellError("", reply.traceback.length > 0 ? reply.traceback.join("\n") : message);
  }
  const syntaxError = await findSyntaxError(cellSource(cell));
  if (syntaxError !== undefined) return new CellError("SyntaxError", syntaxError);
  return new CellError(reply.errorName, reply.errorMessage);
}

/** Timers and promises of the last cell may fail just after it. */
async function checkLateErrors(kernel: Kernel, collector: OutputCollector): Promise<void> {
  const before = kernel.unhandledErrors.length;
  await new Promise((resolve) => setTimeout(resolve, 20));
  await kernel.execute("undefined", { silent: true });
  collector.addStream("stderr", withoutNativeNoise(kernel.takeNativeOutput()));
  const late = kernel.unhandledErrors.slice(before);
  if (late.length > 0) throw unhandledError(late);
}

function unhandledError(errors: string[]): CellError {
  return new CellError("UnhandledError", `Nothing handled this error:\n${errors.join("\n")}`);
}

function checkOutputSizes(cell: CodeCell): void {
  const tooBig = cell.outputs.find((output) => byteLength(output) > MAX_OUTPUT_BYTES);
  if (tooBig === undefined) return;
  cell.outputs = cell.outputs.filter((output) => output !== tooBig);
  throw new CellError(
    "RangeError",
    `Cannot keep an output of ${megabytes(byteLength(tooBig))} as the limit is ` +
      `${megabytes(MAX_OUTPUT_BYTES)}: show a smaller image, or fewer rows`,
  );
}

async function checkNotebookSize(
  path: string,
  result: RunResult,
  cells: CodeCell[],
): Promise<void> {
  const { size } = await Deno.stat(path);
  if (size <= MAX_NOTEBOOK_BYTES) return;
  const largest = cells.reduce((a, b) => byteLength(b) > byteLength(a) ? b : a);
  result.status = "failed";
  result.failure = {
    cell: largest.execution_count ?? 0,
    source: cellSource(largest),
    message: `Cannot accept a notebook of ${megabytes(size)} as the limit is ` +
      `${megabytes(MAX_NOTEBOOK_BYTES)}: its largest cell has ${megabytes(byteLength(largest))}`,
  };
}

/** Puts the reason into the cell's outputs, unless the kernel has, and returns it as text. */
function describeFailure(error: unknown, cell: CodeCell, collector: OutputCollector): string {
  if (!(error instanceof CellError || error instanceof InterruptedRun)) throw error;
  const shown = cell.outputs.some((output) => output.output_type === "error");
  const ename = error instanceof CellError ? error.ename : "Interrupted";
  if (!shown) collector.addError(ename, error.message, error.message.split("\n"));
  return shown || ename === "" ? error.message : `${ename}: ${error.message}`;
}

/** The last line that a message shows as text. */
function shownText({ type, content }: Message): string | undefined {
  if (type === "stream") return lastLine(String(content["text"]));
  if (type !== "display_data" && type !== "update_display_data") return undefined;
  const data = content["data"] as Record<string, unknown> | undefined;
  const text = data?.["text/plain"];
  if (typeof text !== "string" && !Array.isArray(text)) return undefined;
  return lastLine(joinLines(text));
}

function lastLine(text: string): string | undefined {
  return text.trimEnd().split("\n").at(-1) || undefined;
}

function byteLength(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
