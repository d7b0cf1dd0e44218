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
 * @param options.logarithmic Whether the horizontal axis is logarithmic. Default: false.
 * @throws {RangeError} If there is no point, or a number is not finite.
 */
export function scatter(
  points: readonly Point[],
  options: ChartOptions & { logarithmic?: boolean },
): TopLevelSpec {
  requireFinite(points.flatMap(({ x, y }) => [x, y]), "a scatter plot");
  const names = unique(points.map((point) => point.series ?? ""));
  return {
    ...frame(options),
    data: { values: points.map(({ x, y, series = "" }) => ({ x, y, series })) },
    mark: { type: "circle", size: 60, opacity: 0.8, color: NEUTRAL },
    encoding: {
      x: {
        field: "x",
        type: "quantitative",
        title: options.x,
        scale: options.logarithmic ? { type: "log", nice: false, padding: 12 } : { zero: false },
      },
      y: { field: "y", type: "quantitative", title: options.y, scale: { zero: false } },
      ...(names.length > 1 || names[0] !== "" ? { color: colorBy(names) } : {}),
    },
  };
}
