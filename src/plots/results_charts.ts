import type { TopLevelSpec } from "vega-lite";
import { FILM_SIZE } from "@/data/mod.ts";
import type { MetricValues } from "@/losses/mod.ts";
import type { CalibrationCurve, FilmScore } from "@/postprocessing/mod.ts";
import { bars } from "./bars.ts";
import { filmGroups, quantile } from "./data_charts.ts";
import { distributions } from "./distributions.ts";
import { heatmap } from "./heatmap.ts";
import { lines } from "./lines.ts";
import { panels } from "./panels.ts";
import { percent } from "./percent.ts";
import { scatter } from "./scatter.ts";

/** The mean dice of several models beside that of all-empty masks. */
export function modelScores(
  results: readonly { name: string; metrics: MetricValues }[],
): TopLevelSpec {
  const { diceAllEmpty, count } = results[0]!.metrics;
  const best = results.reduce((a, b) => b.metrics.dice > a.metrics.dice ? b : a);
  return bars([
    { label: "all empty", value: diceAllEmpty },
    ...results.map(({ name, metrics }) => ({ label: name, value: metrics.dice })),
  ], {
    title: `Best: ${best.name}, dice ${best.metrics.dice.toFixed(3)}; all-empty masks score ${
      diceAllEmpty.toFixed(3)
    }`,
    subtitle: `Mean dice of ${count} validation films; ${
      best.metrics.dicePositive.toFixed(3)
    } over those with pneumothorax`,
    x: "",
    y: "dice",
    format: ".3f",
    width: 720,
    height: 220,
    highest: 1,
  });
}

/** How often a probability comes true. */
export function calibrationChart({ bins, error }: CalibrationCurve): TopLevelSpec {
  const filled = bins.filter(({ pixels }) => pixels > 0);
  const rows = filled.map(({ predicted, annotated }) => {
    return { x: 100 * predicted, y: 100 * annotated, series: "prediction" };
  });
  // Nearly all pixels are surely background: the verdict is on those that are not.
  const unsure = filled.filter(({ from }) => from > 0);
  const pixels = unsure.reduce((sum, bin) => sum + bin.pixels, 0);
  const mean = (of: "predicted" | "annotated") =>
    unsure.reduce((sum, bin) => sum + bin.pixels * bin[of], 0) / pixels;
  const curve = lines(rows, {
    title: "Observed share",
    x: "probability (%)",
    y: "annotated pixels (%)",
    fromZero: true,
    below: [{ x: 0, y: 0, series: "equal" }, { x: 100, y: 100, series: "equal" }],
    width: 300,
    height: 300,
  });
  const counts = bars(
    bins.map(({ from, to, pixels }) => ({
      label: `${Math.round(100 * from)}–${Math.round(100 * to)}`,
      value: pixels === 0 ? 0 : Math.log10(pixels),
    })),
    {
      title: "Pixels of each bin",
      x: "probability (%)",
      y: "pixels (log10)",
      format: ".1f",
      width: 400,
      height: 300,
    },
  );
  return panels([curve, counts], {
    title: pixels === 0
      ? "No pixel has a probability above the lowest bin"
      : `Pixels above ${percent(unsure[0]!.from)}: ${
        percent(mean("predicted"))
      } predicted on the ` +
        `mean, ${percent(mean("annotated"))} annotated`,
    subtitle: `Dashed: probability and share are equal. Expected calibration error ${
      error.toPrecision(2)
    }`,
  });
}

/** Films by whether a pneumothorax is there and whether one is said to be. */
export function filmConfusion(films: readonly FilmScore[]): TopLevelSpec {
  const count = (positive: boolean, predicted: boolean) =>
    films.filter(({ film, predictedArea }) =>
      film.positive === positive && predictedArea > 0 === predicted
    ).length;
  const missed = count(true, false), falseAlarms = count(false, true);
  return heatmap([count(false, false), falseAlarms, missed, count(true, true)], {
    rows: 2,
    columns: 2,
  }, {
    title: `${missed} of ${
      missed + count(true, true)
    } pneumothoraces are missed, ${falseAlarms} of ${
      falseAlarms + count(false, false)
    } films raise a false alarm`,
    subtitle: "Films; a missed one and a false alarm both score 0",
    x: "predicted mask",
    y: "annotation",
    legend: null,
    written: true,
    format: "d",
    rowLabels: ["none", "pneumothorax"],
    columnLabels: ["empty", "not empty"],
    width: 320,
    height: 160,
  });
}

/** The dice of each film with pneumothorax over its area. */
export function errorsBySize(films: readonly FilmScore[]): TopLevelSpec {
  const positives = films.filter(({ film }) => film.positive)
    .toSorted((a, b) => a.film.area - b.film.area);
  const half = Math.floor(positives.length / 2);
  const [small, large] = [positives.slice(0, half), positives.slice(half)];
  const of = (films: readonly FilmScore[]) => films.length === 0 ? "none" : meanDice(films);
  return scatter(
    positives.map(({ film, dice }) => ({
      x: 100 * film.area / FILM_SIZE ** 2,
      y: dice,
      series: "positive",
    })),
    {
      title: `Mean dice ${of(small)} of the smaller half, ${of(large)} of the larger`,
      subtitle: `Each dot is a film with pneumothorax; ${
        positives.filter(({ dice }) => dice === 0).length
      } of ${positives.length} are missed altogether`,
      x: "area (% of the film, logarithmic)",
      y: "dice",
      logarithmic: true,
    },
  );
}

/** The dice of films with pneumothorax by sex, age and view; undefined if no header tells. */
export function errorsByGroup(films: readonly FilmScore[]): TopLevelSpec | undefined {
  const positives = films.filter(({ film }) => film.positive);
  const rows = filmGroups(positives, ({ film }) => film)
    .map(({ group, label, members }) => ({ group, label, values: members.map(({ dice }) => dice) }))
    .filter(({ values }) => values.length > 0);
  if (rows.length === 0) return undefined;
  const ranked = rows.toSorted((a, b) => quantile(a.values, 0.5) - quantile(b.values, 0.5));
  const [worst, best] = [ranked[0]!, ranked.at(-1)!];
  const shown = ({ label, values }: typeof worst) =>
    `${quantile(values, 0.5).toFixed(2)} (${label})`;
  return distributions(rows, {
    title: `Median dice from ${shown(worst)} to ${shown(best)}`,
    subtitle: "Films with pneumothorax. A dash: a film. Dot: median. Line: the middle half",
    x: "dice",
  });
}

/** What rules score on the films that they were fitted to, and on films that they were not. */
export function heldOutScores(
  rules: readonly { name: string; validation: number; test: number }[],
  { validation, test }: { validation: MetricValues; test: MetricValues },
): TopLevelSpec {
  const [fitted, own] = [rules[0]!, rules[1]!];
  const change = fitted.test - own.test;
  return bars([
    ...[...rules, {
      name: "all empty",
      validation: validation.diceAllEmpty,
      test: test.diceAllEmpty,
    }].flatMap(({ name, validation, test }) => [
      { label: name, series: "validation", value: validation },
      { label: name, series: "test", value: test },
    ]),
  ], {
    title: `On test films the ${fitted.name} scores ${fitted.test.toFixed(3)}, ${
      Math.abs(change).toFixed(3)
    } ${change < 0 ? "less" : "more"} than the ${own.name}`,
    subtitle: `Mean dice of ${validation.count} validation and ${test.count} test films; ${
      test.dicePositive.toFixed(3)
    } over test films with pneumothorax`,
    x: "",
    y: "dice",
    format: ".3f",
    highest: 1,
  });
}

function meanDice(films: readonly FilmScore[]): string {
  return (films.reduce((sum, { dice }) => sum + dice, 0) / films.length).toFixed(3);
}
