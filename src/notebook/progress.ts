import { escapeHtml } from "./html.ts";
import { notebookHost } from "./kernel.ts";
import { show } from "./show.ts";

export interface ProgressOptions {
  /** What is going on. */
  label?: string;
  /** What is counted, in the plural. Default: "steps". */
  unit?: string;
  /** How much was done before, when work is resumed; it does not count for the speed. Default: 0. */
  start?: number;
  /** Tells how much memory the process holds, at the end how much it held at most. Default: false. */
  memory?: boolean;
}

/** Milliseconds between two changes of what is shown. */
const INTERVAL = 200;
/** The same where lines cannot be replaced, such as in a log file. */
const LOG_INTERVAL = 30_000;

/** Moves to the start of a terminal's line and empties it. */
const EMPTY_LINE = "\r\x1b[K";

/**
 * Removes a bar from a terminal's line before something else is printed there: it comes back below
 * with its next update. Elsewhere nothing needs to be done.
 */
export function clearBar(): void {
  if (notebookHost() || !Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(EMPTY_LINE));
}

/**
 * A progress bar that moves in place: one display in a notebook (which keeps its last state), one
 * line in a terminal, and a line now and then in a log.
 */
export class Progress {
  readonly #total: number;
  readonly #label: string;
  readonly #unit: string;
  readonly #start: number;
  readonly #started = performance.now();
  readonly #tellsMemory: boolean;
  readonly #displayId = crypto.randomUUID();
  #done: number;
  #note = "";
  #shownAt = -Infinity;
  #isShown = false;
  #isFinished = false;
  #mostMemory = 0;

  /**
   * @param total How much there is to do, at least 0.
   * @throws {RangeError} If the total is negative or not finite.
   */
  constructor(total: number, options: ProgressOptions = {}) {
    if (!(total >= 0 && Number.isFinite(total))) {
      throw new RangeError(`Cannot show progress as the total must be >= 0: ${total}`);
    }
    this.#total = total;
    this.#label = options.label ?? "";
    this.#unit = options.unit ?? "steps";
    this.#start = this.#done = options.start ?? 0;
    this.#tellsMemory = options.memory ?? false;
  }

  /**
   * Tells how much is done; what is shown changes at most five times a second.
   *
   * @param done From 0 to the total.
   * @param note What else is worth knowing, such as the loss. Default: the last one.
   */
  async update(done: number, note?: string): Promise<void> {
    this.#done = done;
    if (note !== undefined) this.#note = note;
    const interval = notebookHost() || Deno.stderr.isTerminal() ? INTERVAL : LOG_INTERVAL;
    const now = performance.now();
    if (now - this.#shownAt < interval) return;
    this.#shownAt = now;
    await this.#render(false);
  }

  /** Shows the last state and the time that all of it took; only the first call does. */
  async finish(note?: string): Promise<void> {
    if (this.#isFinished) return;
    this.#isFinished = true;
    if (note !== undefined) this.#note = note;
    await this.#render(true);
  }

  #memory(isFinished: boolean): number {
    const { rss } = Deno.memoryUsage(); // with what native libraries hold
    this.#mostMemory = Math.max(this.#mostMemory, rss);
    return isFinished ? this.#mostMemory : rss;
  }

  async #render(isFinished: boolean): Promise<void> {
    const seconds = (performance.now() - this.#started) / 1000;
    const text = progressText({
      label: this.#label,
      unit: this.#unit,
      total: this.#total,
      start: this.#start,
      done: this.#done,
      note: this.#note,
      seconds,
      isFinished,
      ...(this.#tellsMemory && { memory: this.#memory(isFinished) }),
    });
    if (notebookHost()) {
      const bar = `<progress value="${this.#done}" max="${this.#total || 1}"></progress>`;
      const bundle = {
        "text/plain": text,
        "text/html": `<div>${bar} <code>${escapeHtml(text)}</code></div>`,
      };
      const update = this.#isShown;
      this.#isShown = true;
      await show(bundle, { displayId: this.#displayId, update });
    } else if (Deno.stderr.isTerminal()) {
      const { columns } = Deno.consoleSize();
      const line = text.slice(0, columns - 1);
      const end = isFinished ? "\n" : "";
      Deno.stderr.writeSync(new TextEncoder().encode(`${EMPTY_LINE}${line}${end}`));
    } else {
      console.error(text);
    }
  }
}

/** The state of some work that takes time. */
export interface ProgressState {
  label: string;
  unit: string;
  total: number;
  /** What was done before the clock started. */
  start: number;
  done: number;
  note: string;
  /** Since the start. */
  seconds: number;
  isFinished: boolean;
  /** Bytes that the process holds. */
  memory?: number;
}

/** A line such as `train 12/48 films (25%), 3.4 films/s, 11 s left, 1.2 GiB, loss 0.42`. */
export function progressText(state: ProgressState): string {
  const { label, unit, total, start, done, note, seconds, isFinished, memory } = state;
  const percent = total === 0 ? 100 : Math.floor(100 * done / total);
  const words = [label, `${done}/${total}`, unit, `(${percent}%)`];
  const parts = [words.filter((word) => word !== "").join(" ")];
  const perSecond = (done - start) / seconds;
  if (perSecond > 0 && Number.isFinite(perSecond)) {
    parts.push(rate(perSecond, unit));
    if (!isFinished) parts.push(`${duration((total - done) / perSecond)} left`);
  }
  if (isFinished) parts.push(`took ${duration(seconds)}`);
  if (memory !== undefined) {
    parts.push(`${isFinished ? "at most " : ""}${(memory / 2 ** 30).toFixed(1)} GiB`);
  }
  if (note !== "") parts.push(note);
  return parts.join(", ");
}

/** Slow work is told in seconds for each piece. */
function rate(perSecond: number, unit: string): string {
  if (perSecond >= 1) return `${perSecond.toPrecision(perSecond < 1000 ? 3 : 4)} ${unit}/s`;
  return `${(1 / perSecond).toPrecision(3)} s each`;
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const two = (number: number) => String(Math.floor(number)).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)} min`;
  return `${Math.floor(whole / 3600)}:${two(whole % 3600 / 60)} h`;
}
