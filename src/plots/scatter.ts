import type { TopLevelSpec } from "vega-lite";
import { type ChartOptions, colorBy, frame, requireFinite, unique } from "./frame.ts";
import { NEUTRAL } from "./theme.ts";

/** One point of a scatter plot. */
export interface Point {
  x: number;
  y: number;
  series?: string;
}

/**
 * Points in the plane.
 *
 * @param points At least one.
 * @throws {RangeError} If there is no point, or a number is not finite.
 */
export function scatter(points: readonly Point[], options: ChartOptions): TopLevelSpec {
  requireFinite(points.flatMap(({ x, y }) => [x, y]), "a scatter plot");
  const names = unique(points.map((point) => point.series ?? ""));
  return {
    ...frame(options),
    data: { values: points.map(({ x, y, series = "" }) => ({ x, y, series })) },
    mark: { type: "circle", size: 36, opacity: 0.6, color: NEUTRAL },
    encoding: {
      x: { field: "x", type: "quantitative", title: options.x, scale: { zero: false } },
      y: { field: "y", type: "quantitative", title: options.y, scale: { zero: false } },
      ...(names.length > 1 || names[0] !== "" ? { color: colorBy(names) } : {}),
    },
  };
}
