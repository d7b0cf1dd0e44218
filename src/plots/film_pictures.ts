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

/**
 * The films whose grey values spread least, between their percentiles 0.5 and 99.5: those that the
 * contrast correction changes most.
 */
export async function faintestFilms<T extends FilmFile>(
  prepared: Prepared,
  films: readonly T[],
  count: number,
): Promise<T[]> {
  const spreads = await Promise.all(
    films.filter(({ imageId }) => prepared.has(imageId)).map(async (film) => {
      const sorted = (await prepared.readImage(film.imageId)).slice().sort();
      const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
      return { film, spread: at(0.995) - at(0.005) };
    }),
  );
  return spreads.toSorted((a, b) => a.spread - b.spread).slice(0, count).map(({ film }) => film);
}

/**
 * The best, the median and the worst of scored films, as many of each; where there are few, none twice.
 *
 * @param scores Of films with pneumothorax, in any order.
 */
export function bestMedianWorst<T extends { dice: number }>(
  scores: readonly T[],
  count: number,
): { place: "best" | "median" | "worst"; score: T }[] {
  const ranked = scores.toSorted((a, b) => b.dice - a.dice);
  const centre = Math.max(0, Math.floor(ranked.length / 2) - Math.floor(count / 2));
  const places = [
    ...ranked.slice(0, count).map((score) => ({ place: "best" as const, score })),
    ...ranked.slice(centre, centre + count).map((score) => ({ place: "median" as const, score })),
    ...ranked.slice(-count).map((score) => ({ place: "worst" as const, score })),
  ];
  const seen = new Set<T>();
  return places.filter(({ score }) => !seen.has(score) && seen.add(score));
}
