import { fromSentError } from "@/data/sent_error.ts";
import type { FilmAnswer, FilmTask } from "./worker.ts";
import { writeFilm } from "./write_film.ts";

/**
 * Writes films, in several workers if asked: each takes the next film when it is done with one. A
 * film's bytes do not depend on who draws it.
 *
 * @param workers 1 draws in the calling thread, which then does nothing else.
 * @param onWritten Called after each film.
 * @throws {Error} The first failure; films written until then stay.
 */
export async function writeFilms(
  tasks: readonly FilmTask[],
  workers: number,
  onWritten: () => void,
): Promise<void> {
  const queue = tasks.values();
  if (workers === 1) {
    for (const { directory, plan, difficulty } of queue) {
      await writeFilm(directory, plan, difficulty);
      onWritten();
    }
    return;
  }
  const pool = Array.from(
    { length: Math.min(workers, tasks.length) },
    () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }),
  );
  try {
    await Promise.all(pool.map(async (worker) => {
      for (const task of queue) {
        await runTask(worker, task);
        onWritten();
      }
    }));
  } finally {
    for (const worker of pool) worker.terminate();
  }
}

function runTask(worker: Worker, task: FilmTask): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<FilmAnswer>) => {
      if ("failed" in data) reject(fromSentError(data.failed));
      else resolve();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(task);
  });
}
