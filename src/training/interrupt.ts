/** A run was stopped from outside; what it had done is saved. */
export class InterruptedError extends Error {
  override name = "InterruptedError";
}

const SIGNALS: Deno.Signal[] = ["SIGINT", "SIGTERM"];
/** One Ctrl-C can arrive twice, from the terminal and handed on by a parent; milliseconds. */
const SAME_REQUEST = 2000;

/**
 * Listens for Ctrl-C (and the signal that ends a process politely) while long work is under way, so
 * that it can stop between two steps and save. Another signal, two seconds later, ends the process at
 * once.
 */
export class Interrupt {
  #signal: Deno.Signal | undefined;
  #requestedAt = 0;
  readonly #listeners = SIGNALS.map((signal) => {
    const listener = () => {
      if (!this.#signal) this.#requestedAt = Date.now();
      else if (Date.now() - this.#requestedAt > SAME_REQUEST) Deno.exit(130);
      this.#signal = signal;
    };
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });

  /** Whether a signal has come. */
  get isRequested(): boolean {
    return this.#signal !== undefined;
  }

  /** @throws {InterruptedError} If a signal has come. */
  check(): void {
    if (this.#signal) throw new InterruptedError(`Stopped by ${this.#signal}`);
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    for (const { signal, listener } of this.#listeners) {
      Deno.removeSignalListener(signal, listener);
    }
  }
}
