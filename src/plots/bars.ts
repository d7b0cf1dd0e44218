import type { TopLevelSpec } from "vega-lite";
import { type ChartOptions, colorBy, frame, requireFinite, unique } from "./frame.ts";
import { COLORS, colorsOf, INK, NEUTRAL } from "./theme.ts";

/** One bar. */
export interface BarRow {
  label: string;
  value: number;
  /** Bars of one label stand side by side, one for each series, in the series' colour. */
  series?: string;
}

/**
 * Bars from zero with their values written at the ends, in the order of the rows.
 *
 * @param rows At least one.
 * @param options.format d3-format of the written values. Default: "," (1,234).
 * @param options.highest Upper end of the vertical axis. Default: chosen by vega.
 * @throws {RangeError} If there is no row, or a value is not finite.
 */
export function bars(
  rows: readonly BarRow[],
  options: ChartOptions & { format?: string; highest?: number },
): TopLevelSpec {
  requireFinite(rows.map((row) => row.value), "bars");
  const labels = unique(rows.map((row) => row.label));
  const names = unique(rows.map((row) => row.series ?? ""));
  const values = rows.map(({ label, value, series = "" }) => ({ label, value, series }));
  // Where every label has one series, colours tell enough.
  const grouped = names.length > 1 && rows.length > labels.length;
  const offset = grouped ? { xOffset: { field: "series", sort: names } } : {};
  return {
    ...frame(options),
    data: { values },
    encoding: {
      x: {
        field: "label",
        type: "nominal",
        sort: labels,
        title: options.x,
        axis: { labelAngle: 0 },
      },
      y: {
        field: "value",
        type: "quantitative",
        title: options.y,
        ...(options.highest !== undefined && { scale: { domain: [0, options.highest] } }),
      },
      ...offset,
    },
    layer: [
      {
        mark: { type: "bar", color: NEUTRAL },
        encoding: names.some((name) => name !== "")
          ? {
            color: { ...colorBy(names), ...(grouped ? {} : { legend: null }) },
          }
          : {
            color: {
              field: "label",
              scale: { domain: labels, range: barColors(labels) },
              legend: null,
            },
          },
      },
      {
        mark: { type: "text", dy: -7, fontSize: 11, color: INK },
        encoding: { text: { field: "value", type: "quantitative", format: options.format ?? "," } },
      },
    ],
  };
}

/** Bars without series are all alike, unless every label has a colour of its own. */
function barColors(labels: string[]): string[] {
  if (labels.every((label) => label in COLORS)) return colorsOf(labels);
  return labels.map(() => NEUTRAL);
}
