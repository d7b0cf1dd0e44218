import { decodeRle, type Film, FILM_SIZE, type Prepared, resizeMask } from "@/data/mod.ts";
import { filmGrid, filmPictures } from "@/plots/mod.ts";
import { escapeHtml } from "./html.ts";
import { showImage } from "./pictures.ts";
import { show } from "./show.ts";
import { tableHtml, tableText, type TableValue } from "./table.ts";

/** What is known of a film's prediction, as `scorePredictions` says it. */
export interface FilmPrediction {
  film: Film;
  /** 0 to 1. */
  dice: number;
  /** Pixels at 1024 x 1024. */
  predictedArea: number;
  /** The predicted mask as run lengths. */
  rle: string;
}

/** What films are put in order by, each from the lowest up unless `descending`. */
export const FILM_ORDERS = ["imageId", "age", "area", "predictedArea", "dice"] as const;
export type FilmOrder = typeof FILM_ORDERS[number];

/** Which films to look at, and in which order. */
export interface BrowseOptions {
  /** The films to choose from, such as `data.split.validation`. */
  films: readonly Film[];
  /** Their pixels, such as `data.prepared`. */
  prepared: Prepared;
  /** Predictions of some or all of them. Default: none. */
  predictions?: readonly FilmPrediction[];
  /** Only films with a pneumothorax, or only those without. Default: both. */
  positive?: boolean;
  sex?: "M" | "F";
  /** ViewPosition: PA or AP. */
  view?: string;
  /** Years, both included. */
  age?: readonly [from: number, to: number];
  patientId?: string;
  /** Any other wish. */
  where?: (film: Film, prediction: FilmPrediction | undefined) => boolean;
  /** Default: "imageId". Films without such a value come last. */
  sort?: FilmOrder;
  /** The highest first. Default: false. */
  descending?: boolean;
  /** Films on a page. Default: 6. */
  pageSize?: number;
}

/** A film that was chosen. */
export interface BrowsedFilm {
  film: Film;
  prediction: FilmPrediction | undefined;
}

/** One page of the films that were chosen. */
export interface FilmPage {
  films: BrowsedFilm[];
  /** How many films were chosen in all. */
  count: number;
  /** From 1. */
  page: number;
  pages: number;
}

/**
 * Chooses films, and one page of them.
 *
 * @param page From 1.
 * @throws {RangeError} If there is no such page or order, or films are to be ordered by predictions and
 * there are none.
 */
export function selectFilms(options: BrowseOptions, page = 1): FilmPage {
  const { films, predictions = [], sort = "imageId", descending = false, pageSize = 6 } = options;
  if (!FILM_ORDERS.includes(sort)) {
    throw new RangeError(`Cannot sort films by ${sort}: choose one of ${FILM_ORDERS.join(", ")}`);
  }
  if ((sort === "dice" || sort === "predictedArea") && predictions.length === 0) {
    throw new RangeError(
      `Cannot sort films by ${sort} as there are no predictions: give those of scorePredictions()`,
    );
  }
  if (!Number.isInteger(pageSize) || pageSize < 1) {
    throw new RangeError(`Cannot show pages of ${pageSize} films: pageSize must be >= 1`);
  }
  const predictionOf = new Map(predictions.map((each) => [each.film.imageId, each]));
  const chosen = films
    .map((film) => ({ film, prediction: predictionOf.get(film.imageId) }))
    .filter((each) => fits(each, options));
  const direction = descending ? -1 : 1;
  chosen.sort((a, b) =>
    compare(valueOf(a, sort), valueOf(b, sort), direction) ||
    compare(a.film.imageId, b.film.imageId, 1)
  );
  const pages = Math.max(1, Math.ceil(chosen.length / pageSize));
  if (!Number.isInteger(page) || page < 1 || page > pages) {
    throw new RangeError(`Cannot show page ${page} as there are pages 1 to ${pages}`);
  }
  return {
    films: chosen.slice((page - 1) * pageSize, page * pageSize),
    count: chosen.length,
    page,
    pages,
  };
}

/**
 * Shows films of a data set, page by page: each as it is, and beside it with the outlines of annotation
 * and prediction; below, folded, a table of what is known of them. It needs no widgets: for the next
 * page call it again.
 *
 * @example
 * ```ts ignore
 * const missed = { ...data, films: data.split.validation, predictions, positive: true } as const;
 * await browseFilms({ ...missed, sort: "dice" }); // the worst first
 * await browseFilms({ ...missed, sort: "dice" }, 2);
 * ```
 * @param page From 1.
 * @throws {RangeError} See {@link selectFilms}.
 */
export async function browseFilms(options: BrowseOptions, page = 1): Promise<void> {
  const selected = selectFilms(options, page);
  const title = titleOf(selected, options);
  if (selected.films.length === 0) {
    await show({ "text/plain": title, "text/html": `<b>${escapeHtml(title)}</b>` });
    return;
  }
  const { prepared } = options;
  const missing = selected.films.filter(({ film }) => !prepared.has(film.imageId));
  if (missing.length > 0) {
    throw new RangeError(
      `Cannot show the film ${missing[0]!.film.imageId} as it is not among the prepared ones`,
    );
  }
  const pictures = await filmPictures(prepared, selected.films.map(({ film }) => film));
  const tiles = pictures.flatMap((picture, i) => {
    const { film, prediction } = selected.films[i]!;
    const mask = prediction && resizeMask(
      decodeRle(prediction.rle, FILM_SIZE, FILM_SIZE),
      FILM_SIZE,
      prepared.size,
    );
    return [
      { grey: picture.grey, caption: captionOf(film) },
      { ...picture, ...(mask && { prediction: mask }), caption: markedCaption(film, prediction) },
    ];
  });
  await showImage(await filmGrid(tiles, { columns: 4, tile: 220, title }), { text: title });
  const rows = selected.films.map(rowOf);
  await show({
    "text/plain": tableText(rows),
    "text/html": `<details><summary>${rows.length} films in numbers</summary>` +
      `${tableHtml(rows)}</details>`,
  });
}

function fits({ film, prediction }: BrowsedFilm, options: BrowseOptions): boolean {
  const { positive, sex, view, age, patientId, where } = options;
  return (positive === undefined || film.positive === positive) &&
    (sex === undefined || film.sex === sex) &&
    (view === undefined || film.view === view) &&
    (age === undefined ||
      (film.age !== undefined && film.age >= age[0] && film.age <= age[1])) &&
    (patientId === undefined || film.patientId === patientId) &&
    (where === undefined || where(film, prediction));
}

function valueOf({ film, prediction }: BrowsedFilm, sort: FilmOrder): number | string | undefined {
  return sort === "dice" || sort === "predictedArea" ? prediction?.[sort] : film[sort];
}

/** Values that are not known come last, whatever the direction. */
function compare(
  a: number | string | undefined,
  b: number | string | undefined,
  direction: 1 | -1,
): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (a === b) return 0;
  return a < b ? -direction : direction;
}

function titleOf({ films, count, page, pages }: FilmPage, options: BrowseOptions): string {
  const { positive, sex, view, age, patientId, where, sort = "imageId", descending } = options;
  const wishes = [
    ...(positive === undefined ? [] : [positive ? "with pneumothorax" : "without pneumothorax"]),
    ...(sex === undefined ? [] : [sex === "F" ? "women" : "men"]),
    ...(view === undefined ? [] : [view]),
    ...(age === undefined ? [] : [`${age[0]} to ${age[1]} years`]),
    ...(patientId === undefined ? [] : [`patient ${patientId}`]),
    ...(where === undefined ? [] : ["as wished"]),
  ];
  const which = wishes.length === 0 ? "" : ` (${wishes.join(", ")})`;
  if (films.length === 0) return `None of ${options.films.length} films fits${which}`;
  const order = sort === "imageId" ? "" : `, by ${sort}${descending ? ", highest first" : ""}`;
  return `Page ${page} of ${pages}: ${count} of ${options.films.length} films${which}${order}`;
}

function captionOf({ sex, age, view }: Film): string {
  return [sex ?? "sex ?", age === undefined ? "age ?" : `${age} y`, view ?? "view ?"].join(", ");
}

function markedCaption(film: Film, prediction: FilmPrediction | undefined): string {
  const truth = film.positive ? "pneumothorax" : "none";
  return prediction === undefined ? truth : `${truth}, dice ${prediction.dice.toFixed(2)}`;
}

function rowOf({ film, prediction }: BrowsedFilm): Record<string, TableValue> {
  return {
    film: film.imageId,
    patient: film.patientId,
    sex: film.sex,
    age: film.age,
    view: film.view,
    "area, px": film.area,
    ...(prediction && { "predicted, px": prediction.predictedArea, dice: prediction.dice }),
  };
}
