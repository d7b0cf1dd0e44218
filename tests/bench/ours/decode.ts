/** Our DICOM files to grey arrays or to the PNG cache: `decode.ts arrays|files SIZE FOLDER`. */
import { loadFilms, prepare } from "@/data/mod.ts";
import { milliseconds, serve } from "./serve.ts";

/** Films that a worker is given at a time, as a process of the peer. */
const CHUNK = 10;

const [kind, sizeText, folder] = Deno.args as ["arrays" | "files", string, string];
const size = Number(sizeText);
const { films } = await loadFilms(folder);

/** One a core, started once, as the peer's processes are. */
const workers = kind === "files" ? [] : Array.from(
  { length: navigator.hardwareConcurrency },
  () => new Worker(new URL("./decode_worker.ts", import.meta.url), { type: "module" }),
);

async function toArrays(): Promise<void> {
  const paths = films.map(({ path }) => path);
  await Promise.all(workers.map(async (worker) => {
    while (paths.length > 0) {
      const answered = Promise.withResolvers<unknown>();
      worker.onmessage = answered.resolve;
      worker.postMessage({ paths: paths.splice(0, CHUNK), size });
      await answered.promise;
    }
  }));
}

async function toFiles(): Promise<number> {
  const cache = await Deno.makeTempDir();
  try {
    return await milliseconds(() => prepare(films, { root: folder, folder: cache, size }));
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

await serve(() => kind === "arrays" ? milliseconds(toArrays) : toFiles());
