import type { TopLevelSpec } from "vega-lite";
import { type Film, FILM_SIZE, maskCoverage } from "@/data/mod.ts";
import { bars } from "./bars.ts";
import { distributions } from "./distributions.ts";
import { heatmap } from "./heatmap.ts";
import { binCounts, histogram } from "./histogram.ts";
import { type LineRow, lines } from "./lines.ts";
import { panels } from "./panels.ts";
import { percent } from "./percent.ts";
import { shares } from "./shares.ts";

/** Cells of a coverage map, along one side. */
const CELLS = 64;

/** Films that are compared with each other. */
const GROUPS = [
  { group: "sex", label: "women", has: ({ sex }: Film) => sex === "F" },
  { group: "sex", label: "men", has: ({ sex }: Film) => sex === "M" },
  { group: "age", label: "under 40 years", has: ({ age }: Film) => age !== undefined && age < 40 },
  {
    group: "age",
    label: "40 to 59 years",
    has: ({ age }: Film) => age !== undefined && age >= 40 && age < 60,
  },
  { group: "age", label: "from 60 years", has: ({ age }: Film) => age !== undefined && age >= 60 },
  { group: "view", label: "PA, standing", has: ({ view }: Film) => view === "PA" },
  { group: "view", label: "AP, often in bed", has: ({ view }: Film) => view === "AP" },
] as const;

/** Films split by sex, age and view; a film whose header does not tell is in none of those. */
export function filmGroups<T>(
  films: readonly T[],
  filmOf: (thing: T) => Film,
): { group: string; label: string; members: T[] }[] {
  return GROUPS.map(({ group, label, has }) => {
    return { group, label, members: films.filter((thing) => has(filmOf(thing))) };
  });
}

/** How many films have a pneumothorax. */
export function classBalance(films: readonly Film[]): TopLevelSpec {
  const positives = films.filter(({ positive }) => positive).length;
  const negatives = films.length - positives;
  return bars([
    { label: "without", value: negatives, series: "negative" },
    { label: "with pneumothorax", value: positives, series: "positive" },
  ], {
    title: `${percent(positives / films.length)} of the films have a pneumothorax`,
    subtitle: `All-empty masks would score a dice of ${(negatives / films.length).toFixed(2)}`,
    x: "",
    y: "films",
    width: 420,
    height: 200,
  });
}

/** How many films the patients have. */
export function filmsPerPatient(films: readonly Film[]): TopLevelSpec {
  const byPatient = [...Map.groupBy(films, ({ patientId }) => patientId).values()];
  const several = byPatient.filter((films) => films.length > 1);
  const mixed = several.filter((films) => new Set(films.map(({ positive }) => positive)).size > 1);
  const most = Math.min(10, Math.max(...byPatient.map((films) => films.length)));
  const last = (count: number) => Math.min(count, most);
  return bars(
    Array.from({ length: most }, (_, i) => ({
      label: i + 1 === 10 ? "10 or more" : `${i + 1}`,
      value: byPatient.filter((films) => last(films.length) === i + 1).length,
    })),
    {
      title: `${several.length} of ${byPatient.length} patients have more than one film`,
      subtitle: `${mixed.length} have films with and without pneumothorax; ` +
        "a split by film would show patients of training in validation",
      x: "films of a patient",
      y: "patients",
      height: 200,
    },
  );
}

/** How old the patients are, with and without pneumothorax; undefined if no header tells. */
export function agesByClass(films: readonly Film[]): TopLevelSpec | undefined {
  const ages = (positive: boolean) =>
    films.flatMap((film) => film.positive === positive && film.age !== undefined ? [film.age] : []);
  const [negative, positive] = [ages(false), ages(true)];
  if (negative.length + positive.length === 0) return undefined;
  const medianText = (ages: number[]) => ages.length === 0 ? "?" : median(ages).toFixed(0);
  return histogram({ negative, positive }, {
    title: `Median age: ${medianText(positive)} years with pneumothorax, ${
      medianText(negative)
    } without`,
    x: "age (years)",
    y: "films",
    bins: 20,
    height: 200,
  });
}

/** The share of films with pneumothorax by sex, age and view; undefined if no header tells. */
export function sharesByGroup(films: readonly Film[]): TopLevelSpec | undefined {
  const rows = filmGroups(films, (film) => film).map(({ group, label, members }) => ({
    group,
    label,
    count: members.filter(({ positive }) => positive).length,
    of: members.length,
  })).filter(({ of }) => of > 0);
  if (rows.length === 0) return undefined;
  const shareOf = ({ count, of }: typeof rows[number]) => count / of;
  const sorted = rows.toSorted((a, b) => shareOf(a) - shareOf(b));
  const [lowest, highest] = [sorted[0]!, sorted.at(-1)!];
  return shares(rows, {
    title: `From ${percent(shareOf(lowest))} (${lowest.label}) to ${
      percent(shareOf(highest))
    } (${highest.label}) show a pneumothorax`,
    subtitle: "In brackets: films. Lines: where the share of many more films may lie (95 %)",
    x: "share of films with pneumothorax",
  });
}

/** How large the pneumothoraces are. */
export function areaHistogram(films: readonly Film[]): TopLevelSpec {
  const areas = areasOf(films);
  return histogram({ positive: areas }, {
    title: `Half of the pneumothoraces cover less than ${
      median(areas).toPrecision(2)
    } % of the film`,
    subtitle:
      `5 % of them less than ${quantile(areas, 0.05).toPrecision(2)} %, 5 % more than ${
        quantile(areas, 0.95).toPrecision(2)
      } %; ${
        areas.filter((area) => area < 100 * 2000 / FILM_SIZE ** 2).length
      } of ${areas.length} ` +
      "less than 2,000 pixels",
    x: "area (% of the film, logarithmic)",
    y: "films",
    bins: 24,
    height: 200,
    logarithmic: true,
  });
}

/**
 * How large the pneumothoraces of women and men, young and old, standing and lying are; undefined if no
 * header tells.
 */
export function areasByGroup(films: readonly Film[]): TopLevelSpec | undefined {
  const rows = filmGroups(films.filter(({ positive }) => positive), (film) => film)
    .map(({ group, label, members }) => ({ group, label, values: areasOf(members) }))
    .filter(({ values }) => values.length > 0);
  if (rows.length === 0) return undefined;
  const medians = rows.map(({ values }) => median(values));
  return distributions(rows, {
    title: `Median area from ${Math.min(...medians).toPrecision(2)} to ${
      Math.max(...medians).toPrecision(2)
    } % of the film in all groups`,
    subtitle: "A dash: a film. Dot: median. Line: the middle half",
    x: "area (% of the film, logarithmic)",
    logarithmic: true,
    width: 420,
  });
}

/** How often each part of the film is marked. */
export function coverageMap(films: readonly Film[]): TopLevelSpec {
  const positives = films.filter(({ positive }) => positive);
  const coverage = maskCoverage(positives, CELLS);
  const upper = upperShare(coverage);
  return heatmap(coverage, { rows: CELLS, columns: CELLS }, {
    title: `${percent(upper)} of all marked pixels lie in the upper half`,
    subtitle: `Mean of the masks of ${positives.length} films`,
    x: "patient's right to left",
    y: "top to bottom",
    legend: "share of films",
    format: ".0%",
    width: 320,
  });
}

/** Where masks lie, and beside it how large they are in each group, if headers tell. */
export function coverageFigure(films: readonly Film[]): TopLevelSpec {
  const map = coverageMap(films);
  const areas = areasByGroup(films);
  if (areas === undefined) return map;
  const coverage = maskCoverage(films.filter(({ positive }) => positive), CELLS);
  return panels([map, areas], {
    title: `${percent(upperShare(coverage))} of marked pixels lie in the upper half; half of the ` +
      `masks cover less than ${median(areasOf(films)).toPrecision(2)} %`,
  });
}

/**
 * Where masks lie for women and men, standing and lying, on one colour scale; undefined if no header
 * tells.
 */
export function coverageByGroup(films: readonly Film[]): TopLevelSpec | undefined {
  const groups = filmGroups(films.filter(({ positive }) => positive), (film) => film)
    .filter(({ group, members }) => group !== "age" && members.length > 0)
    .map(({ label, members }) => ({ label, members, map: maskCoverage(members, CELLS) }));
  if (groups.length === 0) return undefined;
  const highest = Math.max(...groups.map(({ map }) => Math.max(...map)));
  const uppers = groups.map(({ map }) => upperShare(map));
  const charts = groups.map(({ label, members, map }, i) =>
    heatmap(map, { rows: CELLS, columns: CELLS }, {
      title: `${label}: ${members.length} films`,
      x: `${percent(uppers[i]!)} in the upper half`,
      y: "",
      legend: i === groups.length - 1 ? "share of films" : null,
      format: ".0%",
      domain: [0, highest],
      width: 160,
    })
  );
  return panels(charts, {
    title: `In every group at least ${percent(Math.min(...uppers))} lie in the upper half`,
    subtitle: "Mean of the masks of each group, one colour scale",
  });
}

/** Which third of which side the marked pixels lie in. */
export function coverageZones(films: readonly Film[]): TopLevelSpec {
  const coverage = maskCoverage(films.filter(({ positive }) => positive), CELLS);
  const zones = new Array<number>(6).fill(0);
  for (const [i, value] of coverage.entries()) {
    const row = Math.floor(3 * Math.floor(i / CELLS) / CELLS);
    const column = i % CELLS < CELLS / 2 ? 0 : 1;
    zones[2 * row + column]! += value / sum(coverage);
  }
  const right = zones[0]! + zones[2]! + zones[4]!;
  return heatmap(zones, { rows: 3, columns: 2 }, {
    title:
      `${percent(right)} lie on the patient's right, ${percent(zones[0]! + zones[1]!)} in the ` +
      "upper third",
    subtitle: "Share of all marked pixels",
    x: "",
    y: "",
    legend: null,
    format: ".0%",
    written: true,
    rowLabels: ["upper third", "middle third", "lower third"],
    columnLabels: ["patient's right", "patient's left"],
    width: 320,
    height: 200,
  });
}

/** How the grey values of films spread before and after the contrast correction. */
export function greyLevels(
  before: readonly Uint8Array[],
  after: readonly Uint8Array[],
): TopLevelSpec {
  const curves = (films: readonly Uint8Array[]) =>
    films.flatMap((grey, film): LineRow[] =>
      binCounts(grey, { bins: 32, from: 0, to: 256 }).map(({ start, end, count }) => ({
        x: (start + end) / 2,
        y: 100 * count / grey.length,
        series: `film ${film + 1}`,
      }))
    );
  const span = (films: readonly Uint8Array[]) => {
    const spans = films.map((grey) => Math.round(quantile(grey, 0.995) - quantile(grey, 0.005)));
    return `${Math.min(...spans)} to ${Math.max(...spans)}`;
  };
  const chart = (title: string, films: readonly Uint8Array[]) =>
    lines(curves(films), {
      title: `${title}: ${span(films)} of 255`,
      x: "grey value (0 black, 255 white)",
      y: "pixels (%)",
      width: 320,
      height: 180,
      fromZero: true,
    });
  return panels([chart("as stored", before), chart("corrected", after)], {
    title: `The films span ${span(before)} of 255 grey values as stored, ${span(after)} corrected`,
    subtitle: "Between the percentiles 0.5 and 99.5; grey values of each film, in bins of 8",
  });
}

/** How alike folds are: their films without pneumothorax, and of each quarter of the areas. */
export function foldBalance(folds: readonly (readonly Film[])[]): TopLevelSpec {
  const areas = folds.flat().filter(({ positive }) => positive).map(({ area }) => area);
  const limits = [0.25, 0.5, 0.75].map((share) => quantile(areas, share));
  const STRATA = ["none", "smallest quarter", "second", "third", "largest quarter"];
  const stratumOf = ({ positive, area }: Film) =>
    positive ? 1 + limits.filter((limit) => area > limit).length : 0;
  const counts = folds.flatMap((films) =>
    STRATA.map((_, stratum) => films.filter((film) => stratumOf(film) === stratum).length)
  );
  const positives = folds.map((films) =>
    films.filter(({ positive }) => positive).length / films.length
  );
  return heatmap(counts, { rows: folds.length, columns: STRATA.length }, {
    title: `${percent(Math.min(...positives))} to ${
      percent(Math.max(...positives))
    } of each fold's films have a pneumothorax`,
    subtitle: "Films of each fold; columns: no pneumothorax, or a quarter of the areas",
    x: "area of the pneumothorax",
    y: "fold",
    legend: null,
    written: true,
    format: "d",
    rowLabels: folds.map((_, fold) => fold),
    columnLabels: STRATA,
    width: 560,
    height: 200,
  });
}

function areasOf(films: readonly Film[]): number[] {
  return films.filter(({ positive }) => positive).map(({ area }) => 100 * area / FILM_SIZE ** 2);
}

function upperShare(coverage: Float32Array): number {
  return sum(coverage.subarray(0, coverage.length / 2)) / sum(coverage);
}

function sum(values: Float32Array): number {
  return values.reduce((total, value) => total + value, 0);
}

function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/** The value that a share of the values does not exceed, between two of them by their distance. */
export function quantile(values: ArrayLike<number>, share: number): number {
  if (values.length === 0) throw new RangeError("Cannot tell a quantile as there is no value");
  const sorted = Float64Array.from(values).sort();
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!, above = sorted[Math.ceil(place)]!;
  return below + (place - Math.floor(place)) * (above - below);
}
