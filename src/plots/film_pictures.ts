import type { FilmFile, Prepared } from "@/data/mod.ts";
import type { Film } from "./film_grid.ts";

/** Prepared films with their annotations, ready for `filmGrid`. */
export async function filmPictures<T extends FilmFile>(
  prepared: Prepared,
  films: readonly T[],
  caption: (film: T) => string = () => "",
): Promise<Film[]> {
  return await Promise.all(films.map(async (film) => ({
    grey: await prepared.readImage(film.imageId),
    truth: await prepared.readMask(film.imageId),
    caption: caption(film),
  })));
}
