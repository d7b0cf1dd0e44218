import { type Film, FILM_SIZE, type FilmFile, readRleTable, rleArea } from "@/data/mod.ts";

/**
 * Test films with their annotations, which only a phantom has.
 *
 * @param path A CSV file as `train-rle.csv`, for the test films.
 * @throws {DatasetError} If there is no such file, or it is malformed.
 * @throws {RangeError} If a film has no row in it.
 */
export async function withAnnotations(films: readonly FilmFile[], path: string): Promise<Film[]> {
  const rowsOf = Map.groupBy(await readRleTable(path), ({ imageId }) => imageId);
  return films.map((film) => {
    const rows = rowsOf.get(film.imageId)?.map(({ encodedPixels }) => encodedPixels);
    if (!rows) throw new RangeError(`Cannot score ${film.imageId} as it has no row in ${path}`);
    const area = rleArea(rows, FILM_SIZE, FILM_SIZE);
    return { ...film, rows, area, positive: area > 0 };
  });
}
