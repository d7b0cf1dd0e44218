import type { TopLevelSpec } from "vega-lite";
import { type ChartOptions, colorBy, frame, requireFinite, unique } from "./frame.ts";
import { INK, MUTED } from "./theme.ts";

/** One point of a line. */
export interface LineRow {
  x: number;
  /** Not drawn where it is `null`: the line has a gap there. */
  y: number | null;
  series: string;
}

/**
 * Lines over a number, such as learning curves over epochs.
 *
 * @param rows At least one; a series is drawn in the order of x.
 * @param options.smoothing Weight of the past, from 0 to below 1, in the exponential moving average
 * that is drawn over the faint raw line. Default: 0, which draws the raw line only.
 * @param options.fromZero Whether the vertical axis starts at zero. Default: false.
 * @param options.logarithmic Whether the vertical axis is logarithmic. Default: false.
 * @param options.doublingX Whether each tick of the horizontal axis is twice the last. Default: false.
 * @param options.wholeX Whether the horizontal axis has whole numbers only. Default: false.
 * @param options.below Grey lines below the others, for comparison; not in the legend. Default: none.
 * @param options.marks Places on the horizontal axis with a vertical line and a word, such as where a
 * stage begins. Default: none.
 * @param options.ringed Points to put a ring around, such as the best epoch's. Default: none.
 * @throws {RangeError} If there is no row, a number is not finite, or smoothing is out of range.
 */
export function lines(
  rows: readonly LineRow[],
  options: ChartOptions & {
    smoothing?: number;
    fromZero?: boolean;
    logarithmic?: boolean;
    doublingX?: boolean;
    wholeX?: boolean;
    below?: readonly LineRow[];
    ringed?: readonly { x: number; y: number }[];
    marks?: readonly { x: number; text: string }[];
  },
): TopLevelSpec {
  const {
    smoothing = 0,
    fromZero = false,
    logarithmic = false,
    doublingX = false,
    wholeX = false,
  } = options;
  const { below = [], ringed = [], marks = [] } = options;
  if (!(smoothing >= 0 && smoothing < 1)) {
    throw new RangeError(`Cannot smooth lines as the weight must be in [0, 1): ${smoothing}`);
  }
  requireFinite(
    [...rows, ...below, ...ringed].flatMap(({ x, y }) => y === null ? [x] : [x, y]),
    "lines",
  );
  const names = unique(rows.map((row) => row.series));
  const sorted = rows.map(({ x, y, series }) => ({ x, y, series }))
    .sort((a, b) => names.indexOf(a.series) - names.indexOf(b.series) || a.x - b.x);
  const scale = logarithmic ? { type: "log" as const } : { zero: fromZero };
  const place = (y: string) => ({
    x: {
      field: "x",
      type: "quantitative" as const,
      title: options.x,
      scale: doublingX
        ? { type: "log" as const, base: 2, nice: false }
        : { zero: false, nice: false },
      ...(wholeX && { axis: { tickMinStep: 1, format: "d" } }),
    },
    y: {
      field: y,
      type: "quantitative" as const,
      title: options.y,
      scale,
      ...(logarithmic && { axis: { values: powersOfTen(sorted), format: ".0e" } }),
    },
  });
  const encoding = (y: string) => ({ ...place(y), color: colorBy(names) });
  const showPoints = sorted.length <= 25 * names.length;
  const line = (y: string, strokeWidth: number, opacity = 1) => ({
    mark: {
      type: "line" as const,
      strokeWidth,
      opacity,
      point: y === "y" && showPoints && { size: 25, opacity },
    },
    encoding: encoding(y),
  });
  const values = smoothing === 0 ? sorted : withAverage(sorted, smoothing);
  const layers = smoothing === 0 ? [line("y", 2)] : [line("y", 1, 0.45), line("average", 2.5)];
  if (layers.length + below.length + ringed.length + marks.length === 1) {
    return { ...frame(options), data: { values }, ...layers[0]! };
  }
  const series = { detail: { field: "series", type: "nominal" as const } };
  return {
    ...frame(options),
    data: { values },
    layer: [
      ...(marks.length === 0 ? [] : [
        {
          data: { values: [...marks] },
          mark: { type: "rule" as const, color: MUTED, strokeWidth: 1 },
          encoding: { x: place("y").x },
        },
        {
          data: { values: [...marks] },
          mark: {
            type: "text" as const,
            color: INK,
            align: "left" as const,
            baseline: "bottom" as const,
            dx: 4,
            y: -3,
          },
          encoding: { x: place("y").x, text: { field: "text", type: "nominal" as const } },
        },
      ]),
      ...(below.length === 0 ? [] : [{
        data: { values: [...below] },
        mark: { type: "line" as const, strokeWidth: 2, strokeDash: [4, 3], color: MUTED },
        encoding: { ...place("y"), ...series },
      }]),
      ...layers,
      ...(ringed.length === 0 ? [] : [{
        data: { values: [...ringed] },
        mark: { type: "point" as const, size: 160, strokeWidth: 1.5, color: INK },
        encoding: place("y"),
      }]),
    ],
  };
}

/** The powers of ten between the smallest and the largest value, and the next ones around. */
function powersOfTen(rows: readonly LineRow[]): number[] {
  const exponents = rows.flatMap(({ y }) => y === null ? [] : [Math.log10(y)]);
  const first = Math.floor(Math.min(...exponents)), last = Math.ceil(Math.max(...exponents));
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
}

/** Adds the bias-corrected exponential moving average within each series (as Adam's moments). */
function withAverage(
  rows: readonly LineRow[],
  weight: number,
): (LineRow & { average: number | null })[] {
  const sums = new Map<string, { value: number; weight: number }>();
  return rows.map((row) => {
    if (row.y === null) return { ...row, average: null };
    const sum = sums.get(row.series) ?? { value: 0, weight: 0 };
    sum.value = weight * sum.value + (1 - weight) * row.y;
    sum.weight = weight * sum.weight + (1 - weight);
    sums.set(row.series, sum);
    return { ...row, average: sum.value / sum.weight };
  });
}
