import type { FilmAnswer, FilmQuestion } from "./film_workers.ts";
import { prepareFilm } from "./prepare_film.ts";
import { toSentError } from "./sent_error.ts";

interface WorkerScope {
  onmessage: (event: MessageEvent<FilmQuestion>) => void;
  postMessage(answer: FilmAnswer): void;
}

const scope = globalThis as unknown as WorkerScope;
scope.onmessage = async ({ data: { id, task } }) => {
  try {
    scope.postMessage({ id, outcome: await prepareFilm(task) });
  } catch (error) {
    scope.postMessage({ id, failed: toSentError(error) });
  }
};
