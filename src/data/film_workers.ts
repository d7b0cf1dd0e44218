import type { FilmTask, PreparedFilm } from "./prepare_film.ts";
import { fromSentError, type SentError } from "./sent_error.ts";

/** What is sent to a worker. */
export interface FilmQuestion {
  id: number;
  task: FilmTask;
}

/** What it sends back. */
export type FilmAnswer =
  & { id: number }
  & ({ outcome: PreparedFilm } | { failed: SentError });

/** A film that a worker has. */
interface Waiting extends PromiseWithResolvers<PreparedFilm> {
  worker: Worker;
  imageId: string;
}

/** A film each works while the other waits for the disk. */
const FILMS_IN_A_WORKER = 2;

/** Threads that prepare films: reading, decoding and writing, so that all cores have work. */
export class FilmWorkers {
  readonly #workers: Worker[];
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  private constructor(count: number) {
    const url = new URL("./prepare_worker.ts", import.meta.url);
    this.#workers = Array.from({ length: count }, () => new Worker(url, { type: "module" }));
    for (const worker of this.#workers) {
      worker.onmessage = ({ data }: MessageEvent<FilmAnswer>) => this.#take(data);
      worker.onerror = (event) => {
        event.preventDefault();
        this.#lose(worker, event.message);
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
    const worker = this.#workers[id % this.#workers.length]!;
    const answer = Promise.withResolvers<PreparedFilm>();
    this.#waiting.set(id, { ...answer, worker, imageId: task.film.imageId });
    const question: FilmQuestion = { id, task };
    worker.postMessage(question);
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
    else reject(fromSentError(answer.failed));
  }

  /** A thread that has ended makes no film any more. */
  #lose(worker: Worker, why: string): void {
    for (const [id, film] of this.#waiting) {
      if (film.worker !== worker) continue;
      this.#waiting.delete(id);
      film.reject(
        new Error(`Cannot prepare the film ${film.imageId} as its thread has ended: ${why}`),
      );
    }
  }
}
