import type { TopLevelSpec } from "vega-lite";
import { type ChartOptions, frame } from "./frame.ts";
import { MUTED, PALETTE } from "./theme.ts";

/** Repeated measurements of one thing. */
export interface Measurements {
  label: string;
  /** One value for each repetition, such as a seed. */
  values: readonly number[];
}

/**
 * Things that were measured several times: each measurement as a small dot, their mean as a diamond,
 * and a line of one standard deviation (divided by n - 1) to each side; the first row's mean as a
 * vertical line to compare with. Rows keep their order.
 *
 * @param rows At least one, each with at least one finite value.
 * @param options.x Title of the values' axis, with its unit; `y` that of the rows.
 * @throws {RangeError} If there is no row, a row has no value, or a value is not finite.
 */
export function comparison(rows: readonly Measurements[], options: ChartOptions): TopLevelSpec {
  if (rows.length === 0) {
    throw new RangeError("Cannot compare measurements as there are no rows: 0");
  }
  for (const { label, values } of rows) {
    if (values.length > 0 && values.every(Number.isFinite)) continue;
    throw new RangeError(
      `Cannot compare measurements as those of ${label} are not finite numbers: ` +
        `${values.join(", ") || "none"}`,
    );
  }
  const y = {
    field: "label",
    type: "nominal" as const,
    sort: rows.map(({ label }) => label),
    title: options.y,
    axis: { labelLimit: 240 },
  };
  const x = { field: "value", type: "quantitative" as const, title: options.x };
  const scale = { zero: false };
  const mean = { ...x, aggregate: "mean" as const };
  return {
    ...frame({ height: 28 * rows.length, ...options }),
    data: {
      values: rows.flatMap(({ label, values }) => values.map((value) => ({ label, value }))),
    },
    layer: [
      {
        transform: [{ filter: { field: "label", equal: rows[0]!.label } }],
        mark: { type: "rule", color: MUTED, strokeDash: [4, 3] },
        encoding: { x: { ...mean, scale } },
      },
      {
        mark: { type: "errorbar", extent: "stdev", color: PALETTE.blue, thickness: 2 },
        encoding: { x, y },
      },
      {
        mark: { type: "circle", size: 30, opacity: 0.7, color: PALETTE.sky },
        encoding: { x, y },
      },
      {
        mark: { type: "point", shape: "diamond", filled: true, size: 90, color: PALETTE.blue },
        encoding: { x: mean, y },
      },
    ],
  };
}
