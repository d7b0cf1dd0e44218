import type { TopLevelSpec } from "vega-lite";
import { type ChartOptions, frame } from "./frame.ts";
import { groupedRows } from "./grouped_rows.ts";
import { INK, NEUTRAL } from "./theme.ts";

/** How many of some things have a property. */
export interface ShareRow {
  label: string;
  /** Rows of one group stand together, under its name. Default: one group without a name. */
  group?: string;
  /** Those that have it. */
  count: number;
  /** All of them; a row of none is left out. */
  of: number;
}

/**
 * Shares as dots, each with the range in which the share of a larger sample may lie (95 % interval of
 * Wilson 1927), so that no difference is read into few things. Rows keep their order.
 *
 * @param rows At least one that is not empty.
 * @param options.x Title of the axis; `y` is not used.
 * @throws {RangeError} If all rows are empty, or a count is not from 0 to `of`.
 */
export function shares(
  rows: readonly ShareRow[],
  options: Omit<ChartOptions, "y" | "height">,
): TopLevelSpec {
  const filled = rows.filter(({ of }) => of > 0);
  if (filled.length === 0) throw new RangeError("Cannot draw shares as there are none: 0 rows");
  const named = filled.map(({ label, group, count, of }) => {
    const [low, high] = wilson(count, of);
    return { name: `${label} (${of})`, group, share: count / of, low, high };
  });
  const { y, places } = groupedRows(named);
  const x = (field: string) => ({
    field,
    type: "quantitative" as const,
    title: options.x,
    axis: { format: ".0%" },
  });
  return {
    ...frame({ ...options, y: "", height: 26 * places.length }),
    data: { values: named },
    layer: [
      {
        mark: { type: "rule", strokeWidth: 3, color: NEUTRAL },
        encoding: { x: x("low"), x2: { field: "high" }, y },
      },
      {
        mark: { type: "point", filled: true, size: 110, color: NEUTRAL, opacity: 1 },
        encoding: { x: x("share"), y },
      },
      {
        mark: { type: "text", dy: -11, fontSize: 11, color: INK },
        encoding: {
          x: x("share"),
          y,
          text: { field: "share", type: "quantitative", format: ".0%" },
        },
      },
    ],
  };
}

/**
 * The 95 % confidence interval of a share (Wilson 1927, "Probable inference, the law of succession,
 * and statistical inference").
 *
 * @throws {RangeError} If the count is not from 0 to `of`.
 */
export function wilson(count: number, of: number): [low: number, high: number] {
  if (!(count >= 0 && count <= of && of > 0)) {
    throw new RangeError(`Cannot tell a share as the count must be from 0 to ${of}: ${count}`);
  }
  const z = 1.959964;
  const share = count / of;
  const centre = share + z ** 2 / (2 * of);
  const half = z * Math.sqrt(share * (1 - share) / of + z ** 2 / (4 * of ** 2));
  const scale = 1 + z ** 2 / of;
  return [Math.max(0, (centre - half) / scale), Math.min(1, (centre + half) / scale)];
}
