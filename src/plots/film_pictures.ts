import { decodeRle, FILM_SIZE, type FilmFile, type Prepared, resizeMask } from "@/data/mod.ts";
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

/**
 * Prepared films with annotation and predicted mask, captioned with their dice.
 *
 * @param scores What `scorePredictions` says of each film: its dice, and its mask as run lengths.
 */
export async function scorePictures(
  prepared: Prepared,
  scores: readonly { film: FilmFile; dice: number; rle: string }[],
): Promise<Film[]> {
  const pictures = await filmPictures(prepared, scores.map(({ film }) => film));
  return pictures.map((picture, i) => ({
    ...picture,
    prediction: resizeMask(
      decodeRle(scores[i]!.rle, FILM_SIZE, FILM_SIZE),
      FILM_SIZE,
      prepared.size,
    ),
    caption: `dice ${scores[i]!.dice.toFixed(2)}`,
  }));
}
