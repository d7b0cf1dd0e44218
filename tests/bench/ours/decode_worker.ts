/** Decodes the films that it is sent to small grey arrays, and answers with one pixel of each. */
import { FILM_SIZE, resizeArea } from "@/data/mod.ts";
import { readDicom } from "@/dicom/mod.ts";

interface WorkerScope {
  onmessage: (event: MessageEvent<{ paths: string[]; size: number }>) => void;
  postMessage(answer: number[]): void;
}

const scope = globalThis as unknown as WorkerScope;
scope.onmessage = async ({ data: { paths, size } }) => {
  const answer: number[] = [];
  for (const path of paths) {
    answer.push(resizeArea((await readDicom(path)).pixels, FILM_SIZE, size)[0]!);
  }
  scope.postMessage(answer);
};
