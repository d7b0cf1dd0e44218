/** Our DICOM files to grey arrays or to the PNG cache: `decode.ts arrays|files SIZE FOLDER`. */
import { FILM_SIZE, loadFilms, prepare, resizeArea } from "@/data/mod.ts";
import { readDicom } from "@/dicom/mod.ts";
import { milliseconds, serve } from "./serve.ts";

/** Films under way at the same time, as in `prepare`. */
const CONCURRENCY = 4;

const [kind, sizeText, folder] = Deno.args as ["arrays" | "files", string, string];
const size = Number(sizeText);
const { films } = await loadFilms(folder);

async function toArrays(): Promise<void> {
  const remaining = films.values();
  const work = async () => {
    for (const { path } of remaining) resizeArea((await readDicom(path)).pixels, FILM_SIZE, size);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
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
