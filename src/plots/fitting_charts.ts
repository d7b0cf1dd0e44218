import type { TopLevelSpec } from "vega-lite";
import type { Fitting, FittingStep, StepName } from "@/postprocessing/mod.ts";
import { bars } from "./bars.ts";
import { heatmap } from "./heatmap.ts";
import { type LineRow, lines } from "./lines.ts";

/** What each step of a fitting is called in charts. */
const LABELS: Record<StepName, string> = {
  flip: "mirror",
  threshold: "threshold",
  components: "small components",
  triplet: "triplet",
  bySex: "by sex",
  experiment: "experiment's rule",
};

/** The score before and after each step of a fitting, and which steps are kept. */
export function fittingSteps({ steps, dice, films }: Fitting): TopLevelSpec {
  const kept = steps.filter(({ kept }) => kept).length;
  const rows = steps.flatMap(({ name, before, after, kept }) => {
    const label = `${LABELS[name]}${kept ? ", kept" : ""}`;
    return [
      { label, value: before, series: "before" },
      { label, value: after, series: "after" },
    ];
  });
  return bars(rows, {
    title: `${kept} of ${steps.length} steps are kept: dice ${text(steps[0]!.before)} becomes ${
      text(dice)
    }`,
    subtitle: `Mean dice of the ${films} films that the rule is fitted to`,
    x: "",
    y: "dice",
    format: ".3f",
    width: 720,
  });
}

/** The score of each threshold that a fitting tried. */
export function fittingThresholds(fitting: Fitting): TopLevelSpec {
  const step = stepOf(fitting, "threshold");
  const rows = step.tried.flatMap(({ rule, dice }): LineRow[] =>
    rule.rule === "threshold" ? [{ x: rule.threshold, y: dice, series: "threshold" }] : []
  );
  return lines(rows, {
    ...outcome(step, "The best threshold"),
    x: "threshold",
    y: "dice",
    ringed: [highestOf(rows)],
  });
}

/** The score of each smallest area of a component that a fitting tried, and without the step, at 0. */
export function fittingAreas(fitting: Fitting): TopLevelSpec {
  const step = stepOf(fitting, "components");
  const tried = step.tried.flatMap(({ rule, dice }): LineRow[] =>
    rule.rule === "threshold" ? [{ x: rule.minimumArea, y: dice, series: "area" }] : []
  );
  const without = { x: 0, y: step.before, series: "area" };
  return lines([without, ...tried], {
    ringed: [highestOf([without, ...tried])],
    ...outcome(step, "Dropping small components"),
    x: "smallest area that is kept (px at 1024 x 1024)",
    y: "dice",
  });
}

/** The score of each pair of `top` and `area` that a fitting tried, with the best `bottom`. */
export function fittingTriplets(fitting: Fitting): TopLevelSpec {
  const step = stepOf(fitting, "triplet");
  const best = new Map<string, number>();
  const tops = new Set<number>(), areas = new Set<number>();
  for (const { rule, dice } of step.tried) {
    if (rule.rule !== "triplet") continue;
    tops.add(rule.top);
    areas.add(rule.area);
    const cell = `${rule.top} ${rule.area}`;
    best.set(cell, Math.max(dice, best.get(cell) ?? 0));
  }
  const matrix = [...tops].flatMap((top) => [...areas].map((area) => best.get(`${top} ${area}`)!));
  const { rule } = step;
  const chosen = rule.rule === "triplet" ? [rule] : [];
  const titles = outcome(step, "The triplet rule");
  return heatmap(matrix, { rows: tops.size, columns: areas.size }, {
    ...titles,
    subtitle: `${titles.subtitle}; framed: the best`,
    rowLabels: [...tops],
    columnLabels: [...areas],
    x: "least area of sure pixels (px at 1024 x 1024)",
    y: "probability of a sure pixel",
    legend: "dice",
    format: ".3f",
    written: true,
    marked: chosen.map(({ top, area }) => {
      return { row: [...tops].indexOf(top), column: [...areas].indexOf(area) };
    }),
    width: 600,
    height: 260,
  });
}

/**
 * The score of other thresholds for one sex, with the other's as it is; undefined where films of only
 * one sex are known.
 */
export function fittingBySex(fitting: Fitting): TopLevelSpec | undefined {
  const step = fitting.steps.find(({ name }) => name === "bySex");
  if (!step) return undefined;
  // What is tried first is the common threshold for both.
  const common = step.tried[0]!.rule.bySex!.M;
  const rows = step.tried.flatMap(({ rule, dice }): LineRow[] => {
    const { M, F } = rule.bySex!;
    return [
      ...(F === common ? [{ x: M, y: dice, series: "men" }] : []),
      ...(M === common ? [{ x: F, y: dice, series: "women" }] : []),
    ];
  });
  return lines(rows, {
    ...outcome(step, "A threshold for each sex"),
    x: "threshold for films of this sex",
    y: "dice over all films",
  });
}

function stepOf({ steps }: Fitting, name: StepName): FittingStep {
  const step = steps.find((step) => step.name === name);
  if (step) return step;
  throw new RangeError(
    `Cannot draw a step of a fitting as it was not tried: ${name}. There are: ${
      steps.map(({ name }) => name).join(", ")
    }`,
  );
}

/** A title that says what a step brought. */
function outcome({ before, after, kept }: FittingStep, what: string) {
  return {
    title: kept
      ? `${what} adds ${text(after - before)} and is kept`
      : `${what} does not help: ${text(after)}`,
    subtitle: `Mean dice of the films that the rule is fitted to; ${
      text(before)
    } without this step`,
  };
}

function highestOf(rows: readonly LineRow[]): { x: number; y: number } {
  const best = rows.reduce((best, row) => row.y! > best.y! ? row : best);
  return { x: best.x, y: best.y! };
}

function text(dice: number): string {
  return dice.toFixed(3);
}
