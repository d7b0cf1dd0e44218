import { assert, assertEquals } from "@std/assert";
import { encodeRle, type Film, FILM_SIZE } from "@/data/mod.ts";
import {
  agesByClass,
  areaHistogram,
  areasByGroup,
  classBalance,
  coverageByGroup,
  coverageFigure,
  coverageMap,
  coverageZones,
  filmsPerPatient,
  foldBalance,
  greyLevels,
  renderSvg,
  sharesByGroup,
  type TopLevelSpec,
} from "@/plots/mod.ts";
import { quantile } from "@/plots/data_charts.ts";
import { compiledRows, titlesOf } from "./chart_rows.ts";

/** A square mask of `side` px whose upper left corner is at that row and column, as run lengths. */
function square(side: number, row: number, column: number): string {
  const mask = new Uint8Array(FILM_SIZE * FILM_SIZE);
  for (let y = row; y < row + side; y++) {
    mask.fill(1, y * FILM_SIZE + column, y * FILM_SIZE + column + side);
  }
  return encodeRle(mask, FILM_SIZE, FILM_SIZE);
}

let count = 0;
function film(part: Partial<Film> & { side?: number; at?: [number, number] }): Film {
  const { side = 0, at: [row, column] = [0, 0], ...others } = part;
  return {
    imageId: `film ${count++}`,
    path: "",
    bytes: 0,
    patientId: `patient ${count}`,
    rows: side > 0 ? [square(side, row, column)] : ["-1"],
    positive: side > 0,
    area: side ** 2,
    ...others,
  };
}

const FILMS = [
  // In the upper third of the patient's right side: 100 x 100 px.
  film({ side: 100, at: [0, 0], sex: "F", age: 30, view: "PA", patientId: "a" }),
  // In the lower third of the patient's left: 200 x 200 px.
  film({ side: 200, at: [800, 800], sex: "M", age: 50, view: "AP", patientId: "b" }),
  film({ sex: "M", age: 70, view: "PA", patientId: "a" }),
  film({ sex: "M", age: 20, view: "PA", patientId: "a" }),
  film({}),
];
const NAMELESS = [film({ side: 10 }), film({})];

const titleOf = (spec: TopLevelSpec | undefined) => titlesOf(spec!).title;

Deno.test("classBalance() counts both classes, each in its colour", () => {
  const spec = classBalance(FILMS);
  assertEquals(titleOf(spec), "40 % of the films have a pneumothorax");
  assertEquals(titlesOf(spec).subtitle, "All-empty masks would score a dice of 0.60");
  assertEquals(compiledRows(spec).map(({ value, series }) => [series, value]), [
    ["negative", 3],
    ["positive", 2],
  ]);
});

Deno.test("filmsPerPatient() counts patients by their films", () => {
  const spec = filmsPerPatient(FILMS);
  assertEquals(titleOf(spec), "1 of 3 patients have more than one film");
  assert(titlesOf(spec).subtitle.startsWith("1 have films with and without pneumothorax"));
  assertEquals(compiledRows(spec).map(({ label, value }) => [label, value]), [
    ["1", 2],
    ["2", 0],
    ["3", 1],
  ]);
  const twelve = filmsPerPatient(Array.from({ length: 12 }, () => film({ patientId: "z" })));
  assertEquals(compiledRows(twelve).at(-1), { label: "10 or more", value: 1, series: "" });
});

Deno.test("agesByClass() counts ages and names the medians", () => {
  const spec = agesByClass(FILMS)!;
  assertEquals(titleOf(spec), "Median age: 40 years with pneumothorax, 45 without");
  const total = (series: string) =>
    compiledRows(spec).filter((row) => row["series"] === series)
      .reduce((sum, row) => sum + (row["count"] as number), 0);
  assertEquals([total("positive"), total("negative")], [2, 2]);
});

Deno.test("sharesByGroup() tells the share in each group that occurs", () => {
  const spec = sharesByGroup(FILMS)!;
  assertEquals(
    titleOf(spec),
    "From 0 % (from 60 years) to 100 % (AP, often in bed) show a pneumothorax",
  );
  assertEquals(compiledRows(spec).map(({ name, share }) => [name, share]), [
    ["women (1)", 1],
    ["men (3)", 1 / 3],
    ["under 40 years (2)", 0.5],
    ["40 to 59 years (1)", 1],
    ["from 60 years (1)", 0],
    ["PA, standing (3)", 1 / 3],
    ["AP, often in bed (1)", 1],
  ]);
});

Deno.test("areaHistogram() and areasByGroup() take areas in percent of the film", () => {
  const small = 100 * 100 ** 2 / FILM_SIZE ** 2, large = 4 * small;
  const spec = areaHistogram(FILMS);
  assertEquals(titleOf(spec), "Half of the pneumothoraces cover less than 2.4 % of the film");
  assert(titlesOf(spec).subtitle.endsWith("0 of 2 less than 2,000 pixels"));
  const [first, last] = [compiledRows(spec)[0]!, compiledRows(spec).at(-1)!];
  assertEquals([first["count"], last["count"]], [1, 1]);
  assert(Math.abs(first["start"] as number - small) < 1e-9);
  assert(Math.abs(last["end"] as number - large) < 1e-9);
  const groups = areasByGroup(FILMS)!;
  assertEquals(compiledRows(groups).map(({ name, value }) => [name, value]), [
    ["women (1)", small],
    ["men (1)", large],
    ["under 40 years (1)", small],
    ["40 to 59 years (1)", large],
    ["PA, standing (1)", small],
    ["AP, often in bed (1)", large],
  ]);
});

Deno.test("coverageMap() and coverageZones() say where masks lie", () => {
  // 10,000 of 50,000 marked pixels lie in the upper half.
  const map = coverageMap(FILMS);
  assertEquals(titleOf(map), "20 % of all marked pixels lie in the upper half");
  const cells = compiledRows(map).map(({ value }) => value as number);
  assertEquals(cells.length, 64 * 64);
  // The first cell is 16 x 16 px wholly in one of two masks.
  assertEquals(cells[0], 0.5);
  const zones = coverageZones(FILMS);
  assertEquals(titleOf(zones), "20 % lie on the patient's right, 20 % in the upper third");
  const shares = compiledRows(zones).map(({ value }) => Math.round(100 * (value as number)));
  assertEquals(shares, [20, 0, 0, 0, 0, 80]);
});

Deno.test("coverageByGroup() draws a map for each sex and view on one scale", async () => {
  const spec = coverageByGroup(FILMS)!;
  assertEquals(titleOf(spec), "In every group at least 0 % lie in the upper half");
  const { concat } = spec as unknown as { concat: { title: { text: string } }[] };
  assertEquals(concat.map(({ title }) => title.text), [
    "women: 1 films",
    "men: 1 films",
    "PA, standing: 1 films",
    "AP, often in bed: 1 films",
  ]);
  const domains = JSON.stringify(spec).match(/"domain":\[0,1\]/g);
  assertEquals(domains?.length, 4);
  await renderSvg(spec);
});

Deno.test("coverageFigure() states both findings, and is the map alone without groups", async () => {
  const spec = coverageFigure(FILMS);
  assertEquals(
    titleOf(spec),
    "20 % of marked pixels lie in the upper half; half of the masks cover less than 2.4 %",
  );
  await renderSvg(spec);
  assertEquals(coverageFigure(NAMELESS), coverageMap(NAMELESS));
});

Deno.test("charts by group are undefined where no header tells the group", () => {
  for (const chart of [agesByClass, sharesByGroup, areasByGroup, coverageByGroup]) {
    assertEquals(chart(NAMELESS), undefined);
  }
});

Deno.test("greyLevels() tells the span before and after", async () => {
  const dark = Uint8Array.from({ length: 100 }, (_, i) => 50 + i);
  const wide = Uint8Array.from({ length: 100 }, (_, i) => Math.round(i * 255 / 99));
  const spec = greyLevels([dark], [wide]);
  // numpy.percentile(range(50, 150), [0.5, 99.5]) -> 50.495, 148.505
  assertEquals(
    titleOf(spec),
    "The films span 98 to 98 of 255 grey values as stored, 252 to 252 corrected",
  );
  const percent = compiledRows(spec).reduce((sum, { y }) => sum + (y as number), 0);
  assert(Math.abs(percent - 100) < 1e-9);
  await renderSvg(spec);
});

Deno.test("foldBalance() counts the films of each fold and stratum", async () => {
  const sized = [10, 20, 30, 40].map((side) => film({ side }));
  const spec = foldBalance([[sized[0]!, sized[3]!, film({})], [sized[1]!, sized[2]!]]);
  assertEquals(titleOf(spec), "67 % to 100 % of each fold's films have a pneumothorax");
  assertEquals(compiledRows(spec).map(({ value }) => value), [1, 1, 0, 0, 1, 0, 0, 1, 1, 0]);
  await renderSvg(spec);
});

Deno.test("quantile() equals numpy.quantile", () => {
  // numpy.quantile([3, 1, 2, 4], [0, 0.25, 0.5, 0.51, 1]) -> 1, 1.75, 2.5, 2.53, 4
  const values = [0, 0.25, 0.5, 0.51, 1].map((share) => quantile([3, 1, 2, 4], share));
  assertEquals(values.map((value) => +value.toFixed(9)), [1, 1.75, 2.5, 2.53, 4]);
});

for (const chart of [classBalance, filmsPerPatient, agesByClass, sharesByGroup, areaHistogram]) {
  Deno.test(`${chart.name}() is drawn without a warning`, async () => {
    await renderSvg(chart(FILMS)!);
  });
}

for (const chart of [areasByGroup, coverageMap, coverageZones]) {
  Deno.test(`${chart.name}() is drawn without a warning`, async () => {
    await renderSvg(chart(FILMS)!);
  });
}
