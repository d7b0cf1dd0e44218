import type { FilmTask, PreparedFilm } from "./prepare_film.ts";

/** What is sent to a worker. */
export interface FilmQuestion {
  id: number;
  task: FilmTask;
}

/** What it sends back. */
export type FilmAnswer =
  & { id: number }
  & (
    | { outcome: PreparedFilm }
    /** An error's class would be lost on the way. */
    | { failed: { name: string; message: string } }
  );

/** A film each works while the other waits for the disk. */
const FILMS_IN_A_WORKER = 2;

/** Threads that prepare films: reading, decoding and writing, so that all cores have work. */
export class FilmWorkers {
  readonly #workers: Worker[];
  readonly #waiting = new Map<number, PromiseWithResolvers<PreparedFilm>>();
  #asked = 0;

  private constructor(count: number) {
    const url = new URL("./prepare_worker.ts", import.meta.url);
    this.#workers = Array.from({ length: count }, () => new Worker(url, { type: "module" }));
    for (const worker of this.#workers) {
      worker.onmessage = ({ data }: MessageEvent<FilmAnswer>) => this.#take(data);
      worker.onerror = (event) => {
        event.preventDefault();
        for (const { reject } of this.#waiting.values()) reject(new Error(event.message));
      };
    }
  }

  /** Starts threads; none if the count is 0. */
  static start(count: number): FilmWorkers | undefined {
    return count > 0 ? new FilmWorkers(count) : undefined;
  }

  /** How many films the threads have work with at the same time. */
  get atOnce(): number {
    return FILMS_IN_A_WORKER * this.#workers.length;
  }

  /** As `prepareFilm`, on one of the threads. */
  prepare(task: FilmTask): Promise<PreparedFilm> {
    const id = this.#asked++;
    const answer = Promise.withResolvers<PreparedFilm>();
    this.#waiting.set(id, answer);
    const question: FilmQuestion = { id, task };
    this.#workers[id % this.#workers.length]!.postMessage(question);
    return answer.promise;
  }

  /** Ends the threads, whatever they do. */
  stop(): void {
    for (const worker of this.#workers) worker.terminate();
  }

  #take(answer: FilmAnswer): void {
    const { resolve, reject } = this.#waiting.get(answer.id)!;
    this.#waiting.delete(answer.id);
    if ("outcome" in answer) resolve(answer.outcome);
    else reject(errorOf(answer.failed));
  }
}

function errorOf({ name, message }: { name: string; message: string }): Error {
  const classes: Record<string, new (message: string) => Error> = {
    ...Deno.errors,
    RangeError,
    SyntaxError,
    TypeError,
  };
  return new (classes[name] ?? Error)(message);
}
