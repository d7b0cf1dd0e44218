import { sha256 } from "@/files/mod.ts";
import type { FilmFile } from "./film.ts";
import type { Prepared } from "./prepared.ts";

/**
 * Groups of films whose prepared images are the same, pixel for pixel: a film that was stored twice
 * must not be in training and in validation.
 *
 * @param films Those that were not prepared are passed over.
 * @returns Each group has at least two films; all in the order of `films`.
 */
export async function duplicateImages<T extends FilmFile>(
  prepared: Prepared,
  films: readonly T[],
): Promise<T[][]> {
  const byHash = new Map<string, T[]>();
  for (const film of films) {
    if (!prepared.has(film.imageId)) continue;
    const hash = await sha256(await prepared.readImage(film.imageId));
    byHash.set(hash, [...(byHash.get(hash) ?? []), film]);
  }
  return [...byHash.values()].filter((group) => group.length > 1);
}
