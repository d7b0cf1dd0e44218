import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { type Film, FILM_SIZE, type Prepared } from "@/data/mod.ts";
import {
  browseFilms,
  type BrowseOptions,
  type FilmPrediction,
  selectFilms,
} from "@/notebook/mod.ts";
import { captured } from "../cli/console.ts";
import { imaginaryFilm, rectangle } from "../data/small_dataset.ts";

function film(imageId: string, known: Partial<Film>): Film {
  return { ...imaginaryFilm(imageId, ["-1"], known.area ?? 0), ...known };
}

const FILMS = [
  film("a", { sex: "F", age: 30, view: "PA", area: 500, patientId: "p" }),
  film("b", { sex: "M", age: 60, view: "AP", area: 100 }),
  film("c", { sex: "F", age: 45, view: "AP", patientId: "p" }),
  film("d", { sex: "M", view: "PA" }),
  film("e", { area: 900, age: 45 }),
];

const PREDICTIONS: FilmPrediction[] = [
  { film: FILMS[0]!, dice: 0.9, predictedArea: 480, rle: "-1" },
  { film: FILMS[1]!, dice: 0, predictedArea: 0, rle: "-1" },
  { film: FILMS[2]!, dice: 0.4, predictedArea: 50, rle: "-1" },
];

/** Films as black squares of 8 x 8. */
const PREPARED = {
  size: 8,
  has: (imageId: string) => imageId !== "e",
  readImage: () => Promise.resolve(new Uint8Array(64)),
  readMask: () => Promise.resolve(new Uint8Array(64)),
} as unknown as Prepared;

const ALL: BrowseOptions = { films: FILMS, prepared: PREPARED, predictions: PREDICTIONS };

const CHOICES: [what: string, Partial<BrowseOptions>, ids: string][] = [
  ["all films by their names", {}, "abcde"],
  ["those with a pneumothorax", { positive: true }, "abe"],
  ["those without", { positive: false }, "cd"],
  ["women", { sex: "F" }, "ac"],
  ["a view", { view: "AP" }, "bc"],
  ["ages, both ends included, unknown ones not", { age: [30, 45] }, "ace"],
  ["a patient", { patientId: "p" }, "ac"],
  ["several wishes at once", { positive: true, sex: "M", view: "AP" }, "b"],
  ["any wish", { where: (_, prediction) => prediction === undefined }, "de"],
  ["nothing", { sex: "F", age: [80, 90] }, ""],
  ["by age, unknown last", { sort: "age" }, "acebd"],
  ["by age, the oldest first, unknown last", { sort: "age", descending: true }, "bcead"],
  ["by area", { sort: "area" }, "cdbae"],
  ["the worst predictions first", { sort: "dice" }, "bcade"],
  ["the largest predictions first", { sort: "predictedArea", descending: true }, "acbde"],
];
for (const [what, options, ids] of CHOICES) {
  Deno.test(`selectFilms() chooses ${what}`, () => {
    const { films, count } = selectFilms({ ...ALL, ...options });
    assertEquals(films.map(({ film }) => film.imageId).join(""), ids);
    assertEquals(count, ids.length);
  });
}

Deno.test("selectFilms() gives each film once over all pages, with its prediction", () => {
  const options = { ...ALL, pageSize: 2, sort: "age" } as const;
  const pages = [1, 2, 3].map((page) => selectFilms(options, page));
  assertEquals(pages.map(({ films }) => films.map(({ film }) => film.imageId).join("")), [
    "ac",
    "eb",
    "d",
  ]);
  assertEquals(pages.map(({ page, pages, count }) => [page, pages, count]), [
    [1, 3, 5],
    [2, 3, 5],
    [3, 3, 5],
  ]);
  assertEquals(pages[0]!.films.map(({ prediction }) => prediction?.dice), [0.9, 0.4]);
});

const REFUSED: [what: string, Partial<BrowseOptions>, page: number, says: string][] = [
  ["a page that is not there", { pageSize: 2 }, 4, "Cannot show page 4 as there are pages 1 to 3"],
  ["page 0", {}, 0, "Cannot show page 0 as there are pages 1 to 1"],
  ["half a page", {}, 1.5, "Cannot show page 1.5"],
  ["an unknown order", { sort: "size" as "area" }, 1, "choose one of imageId, age"],
  ["dice without predictions", { sort: "dice", predictions: [] }, 1, "there are no predictions"],
  ["pages without films", { pageSize: 0 }, 1, "pageSize must be >= 1"],
];
for (const [what, options, page, says] of REFUSED) {
  Deno.test(`selectFilms() refuses ${what}`, () => {
    assertThrows(() => selectFilms({ ...ALL, ...options }, page), RangeError, says);
  });
}

Deno.test("browseFilms() says what is shown, and what is known of each film", async () => {
  const rle = rectangle(0, 0, FILM_SIZE / 2, FILM_SIZE);
  const predictions = [{ ...PREDICTIONS[0]!, rle }];
  const { out } = await captured(async () => {
    await browseFilms({ ...ALL, predictions, positive: true, sex: "F", sort: "dice" });
    await browseFilms({ ...ALL, age: [80, 90] });
    return 0;
  });
  const [title, head, , row, none] = out.split("\n");
  assertEquals(title, "[image] Page 1 of 1: 1 of 5 films (with pneumothorax, women), by dice");
  assertMatch(head!, /^film +patient +sex +age +view +area, px +predicted, px +dice$/);
  assertMatch(row!, /^a +p +F +30 +PA +500 +480 +0\.9$/);
  assertEquals(none, "None of 5 films fits (80 to 90 years)");
  await assertRejects(() => browseFilms(ALL), RangeError, "Cannot show the film e");
});
