import type { TopLevelSpec } from "vega-lite";
import type { NonNormalizedSpec } from "vega-lite/types_unstable/spec/index.js";
import { heading } from "./frame.ts";

/**
 * Several charts as one picture under a common title. Their own titles become small ones.
 *
 * @param charts At least one, each with its own scales and legend.
 * @param options.columns Charts in a row. Default: all of them.
 * @param options.width What the title may take, in CSS pixels. Default: 760.
 * @throws {RangeError} If there is no chart.
 */
export function panels(
  charts: readonly TopLevelSpec[],
  options: { title: string; subtitle?: string; columns?: number; width?: number },
): TopLevelSpec {
  if (charts.length === 0) {
    throw new RangeError("Cannot draw panels as there are none: length is 0");
  }
  const { title, subtitle, columns = charts.length, width = 760 } = options;
  const parts = charts.map(({ $schema: _, title, ...chart }) => ({
    ...chart,
    title: {
      ...(typeof title === "object" && !Array.isArray(title) ? title : { text: title ?? "" }),
      fontSize: 12,
      fontWeight: "normal",
      offset: 6,
    },
  }));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: { ...heading({ title, subtitle, width }), frame: "bounds" },
    columns,
    spacing: { row: 24, column: 28 },
    concat: parts as NonNormalizedSpec[],
    resolve: { scale: { color: "independent", x: "independent", y: "independent" } },
  };
}
