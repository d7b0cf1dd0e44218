import { type SentError, toSentError } from "@/data/sent_error.ts";
import type { Difficulty } from "./difficulty.ts";
import type { FilmPlan } from "./plan.ts";
import { writeFilm } from "./write_film.ts";

/** What a worker is asked to do. */
export interface FilmTask {
  directory: string;
  plan: FilmPlan;
  difficulty: Difficulty;
}

/** What it answers. */
export type FilmAnswer = { written: string } | { failed: SentError };

interface WorkerScope {
  onmessage: (event: MessageEvent<FilmTask>) => void;
  postMessage(answer: FilmAnswer): void;
}

const scope = globalThis as unknown as WorkerScope;
scope.onmessage = async ({ data: { directory, plan, difficulty } }) => {
  try {
    await writeFilm(directory, plan, difficulty);
    scope.postMessage({ written: plan.imageId });
  } catch (error) {
    scope.postMessage({ failed: toSentError(error) });
  }
};
