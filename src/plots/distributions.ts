import type { TopLevelSpec } from "vega-lite";
import { type ChartOptions, frame, requireFinite, unique } from "./frame.ts";
import { groupedRows } from "./grouped_rows.ts";
import { COLORS, colorsOf, NEUTRAL } from "./theme.ts";

/** Values of one kind of thing, such as the films of women. */
export interface DistributionRow {
  label: string;
  /** Rows of one group stand together, under its name. Default: one group without a name. */
  group?: string;
  values: readonly number[];
}

/**
 * How values spread, a row for each kind: every value as a small dash, the middle half of them as a
 * line, the median as a dot. Rows keep their order; how many values a row has stands beside its label.
 *
 * @param rows At least one with a value; a row without values keeps its place.
 * @param options.x Title of the values' axis, with its unit; `y` is not used.
 * @param options.logarithmic Whether the axis is logarithmic. Default: false.
 * @param options.fromZero Whether the axis starts at zero. Default: false.
 * @throws {RangeError} If there is no value, one is not finite, or not above 0 on a logarithmic axis.
 */
export function distributions(
  rows: readonly DistributionRow[],
  options: Omit<ChartOptions, "y" | "height"> & { logarithmic?: boolean; fromZero?: boolean },
): TopLevelSpec {
  const { logarithmic = false, fromZero = false } = options;
  const numbers = rows.flatMap(({ values }) => values);
  requireFinite(numbers, "distributions");
  if (logarithmic && Math.min(...numbers) <= 0) {
    throw new RangeError(
      `Cannot draw distributions on a logarithmic axis as a value is not above 0: ${
        Math.min(...numbers)
      }`,
    );
  }
  const named = rows.map((row) => ({ ...row, name: `${row.label} (${row.values.length})` }));
  const data = named.flatMap(({ name, label, values }) =>
    values.map((value) => ({ name, label, value }))
  );
  const labels = unique(named.map(({ label }) => label));
  const hasColors = labels.every((label) => label in COLORS);
  const { y, places } = groupedRows(named);
  const x = {
    field: "value",
    type: "quantitative" as const,
    title: options.x,
    scale: logarithmic ? { type: "log" as const, nice: false, padding: 12 } : { zero: fromZero },
  };
  const color = {
    field: "label",
    type: "nominal" as const,
    legend: null,
    scale: { domain: labels, range: hasColors ? colorsOf(labels) : labels.map(() => NEUTRAL) },
  };
  return {
    ...frame({ ...options, y: "", height: 26 * places.length }),
    data: { values: data },
    layer: [
      {
        mark: { type: "tick", thickness: 1.5, size: 14, opacity: 0.35 },
        encoding: { x, y, color },
      },
      {
        mark: { type: "errorbar", extent: "iqr", thickness: 4 },
        encoding: { x, y, color },
      },
      {
        mark: { type: "point", filled: true, size: 110, stroke: "#FFFFFF", strokeWidth: 1 },
        encoding: { x: { ...x, aggregate: "median" }, y, color },
      },
    ],
  };
}
