import type { TopLevelSpec } from "vega-lite";
import { COLORS, colorsOf, INK, MUTED, PALETTE } from "./theme.ts";

/** What every chart function takes beside its data. */
export interface ChartOptions {
  /** States the finding, not the axes. */
  title: string;
  /** How the data were made: number of images, split, run. */
  subtitle?: string;
  /** Title of the horizontal axis, with its unit. */
  x: string;
  /** Title of the vertical axis, with its unit. */
  y: string;
  /** Width of the plotting area in CSS pixels. Default: 440 (heatmap: about 300). */
  width?: number;
  /** Height of the plotting area in CSS pixels. Default: 240 (heatmap: square cells). */
  height?: number;
}

const SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json";

/** One bin of a histogram: values `v` with `start <= v < end`; the last bin includes its end. */
export interface Bin {
  start: number;
  end: number;
  count: number;
}

/**
 * Counts values in bins of equal width.
 *
 * @param values Finite numbers.
 * @param options.bins Number of bins. Default: 30.
 * @param options.from Start of the first bin. Default: the smallest value.
 * @param options.to End of the last bin. Default: the largest value.
 * @throws {RangeError} If there is no value, or one is not finite or outside of `from` to `to`.
 */
export function binCounts(
  values: ArrayLike<number>,
  options: { bins?: number; from?: number; to?: number } = {},
): Bin[] {
  const { bins = 30 } = options;
  if (!Number.isInteger(bins) || bins < 1) {
    throw new RangeError(`Cannot bin values as the number of bins must be >= 1: ${bins}`);
  }
  const [smallest, largest] = extent(values);
  const from = options.from ?? smallest;
  const to = options.to ?? largest;
  if (smallest < from || largest > to) {
    throw new RangeError(
      `Cannot bin values as some are outside of ${from} to ${to}: ${smallest} to ${largest}`,
    );
  }
  const width = (to - from) / bins || 1;
  const counts = new Array<number>(bins).fill(0);
  for (let i = 0; i < values.length; i++) {
    const bin = Math.min(bins - 1, Math.floor((values[i]! - from) / width));
    counts[bin]!++;
  }
  return counts.map((count, bin) => ({
    start: from + bin * width,
    end: from + (bin + 1) * width,
    count,
  }));
}

/**
 * Bars of counts in bins; several series share the bins and are stacked in the given order.
 *
 * @param series Values by name of series; a name of `COLORS` gets its colour.
 * @throws {RangeError} See {@link binCounts}.
 */
export function histogram(
  series: Record<string, ArrayLike<number>>,
  options: ChartOptions & { bins?: number; from?: number; to?: number },
): TopLevelSpec {
  const names = Object.keys(series);
  const all = names.flatMap((name) => Array.from(series[name] ?? []));
  const [smallest, largest] = extent(all);
  const range = { from: options.from ?? smallest, to: options.to ?? largest };
  const bins = options.bins ?? 30;
  const values = names.flatMap((name, order) =>
    // An empty series has no range of its own, but still its place in the legend.
    (series[name]?.length ? binCounts(series[name], { ...range, bins }) : [])
      .map((bin) => ({ ...bin, series: name, order }))
  );
  return {
    ...frame(options),
    data: { values },
    mark: { type: "bar", binSpacing: 1 },
    encoding: {
      x: { field: "start", type: "quantitative", bin: { binned: true }, title: options.x },
      x2: { field: "end" },
      y: { field: "count", type: "quantitative", title: options.y, stack: "zero" },
      color: colorBy(names),
      order: { field: "order", type: "quantitative" },
    },
  };
}

/** One bar. */
export interface BarRow {
  label: string;
  value: number;
  /** Bars of one label stand side by side, one for each series. */
  series?: string;
}

/**
 * Bars from zero with their values written at the ends, in the order of the rows.
 *
 * @param rows At least one.
 * @param options.format d3-format of the written values. Default: "," (1,234).
 * @throws {RangeError} If there is no row, or a value is not finite.
 */
export function bars(
  rows: readonly BarRow[],
  options: ChartOptions & { format?: string },
): TopLevelSpec {
  requireFinite(rows.map((row) => row.value), "bars");
  const labels = unique(rows.map((row) => row.label));
  const names = unique(rows.map((row) => row.series ?? ""));
  const values = rows.map(({ label, value, series = "" }) => ({ label, value, series }));
  const grouped = names.length > 1;
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
      y: { field: "value", type: "quantitative", title: options.y },
      ...offset,
    },
    layer: [
      {
        mark: { type: "bar", color: PALETTE.blue },
        encoding: names.some((name) => name !== "") ? { color: colorBy(names) } : {
          color: {
            field: "label",
            scale: { domain: labels, range: barColors(labels) },
            legend: null,
          },
        },
      },
      {
        mark: { type: "text", dy: -7, fontSize: 11, color: "#333333" },
        encoding: { text: { field: "value", type: "quantitative", format: options.format ?? "," } },
      },
    ],
  };
}

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
  },
): TopLevelSpec {
  const {
    smoothing = 0,
    fromZero = false,
    logarithmic = false,
    doublingX = false,
    wholeX = false,
  } = options;
  const { below = [], ringed = [] } = options;
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
    y: { field: y, type: "quantitative" as const, title: options.y, scale },
  });
  const encoding = (y: string) => ({ ...place(y), color: colorBy(names) });
  const showPoints = sorted.length <= 60 * names.length;
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
  const layers = smoothing === 0 ? [line("y", 2)] : [line("y", 1, 0.3), line("average", 2.5)];
  if (layers.length === 1 && below.length === 0 && ringed.length === 0) {
    return { ...frame(options), data: { values }, ...layers[0]! };
  }
  const series = { detail: { field: "series", type: "nominal" as const } };
  return {
    ...frame(options),
    data: { values },
    layer: [
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

/**
 * A matrix as coloured cells, first row on top, such as how often each part of the image is marked.
 *
 * @param matrix Row-major, `rows * columns` finite numbers.
 * @param options.rowLabels What stands beside each row. Default: nothing.
 * @param options.columnLabels What stands below each column. Default: nothing.
 * @param options.legend Title of the colour scale, with its unit.
 * @param options.format d3-format of the colour scale's labels. Default: chosen by vega.
 * @throws {RangeError} If the length is not `rows * columns`, or a number is not finite.
 */
export function heatmap(
  matrix: ArrayLike<number>,
  shape: { rows: number; columns: number },
  options: ChartOptions & {
    legend: string;
    format?: string;
    rowLabels?: readonly (string | number)[];
    columnLabels?: readonly (string | number)[];
  },
): TopLevelSpec {
  const { rows, columns } = shape;
  const { rowLabels, columnLabels } = options;
  if (rowLabels && rowLabels.length !== rows || columnLabels && columnLabels.length !== columns) {
    throw new RangeError(
      `Cannot draw a heatmap as ${rows} and ${columns} labels are needed: got ` +
        `${rowLabels?.length ?? rows} and ${columnLabels?.length ?? columns}`,
    );
  }
  if (matrix.length !== rows * columns) {
    throw new RangeError(
      `Cannot draw a heatmap as ${rows} x ${columns} numbers are needed: got ${matrix.length}`,
    );
  }
  requireFinite(Array.from(matrix), "a heatmap");
  const values = Array.from(matrix, (value, index) => ({
    row: Math.floor(index / columns),
    column: index % columns,
    value,
  }));
  // Cells of whole pixels leave no seams between them.
  const width = columns * Math.max(1, Math.round((options.width ?? 300) / columns));
  const height = rows * Math.max(1, Math.round((options.height ?? width * rows / columns) / rows));
  const axis = (labels: readonly (string | number)[] | undefined) => ({
    ticks: false,
    domain: false,
    labelAngle: 0,
    labels: labels !== undefined,
    ...(labels && { labelExpr: `${JSON.stringify(labels)}[datum.value]` }),
  });
  const scale = { paddingInner: 0 };
  return {
    ...frame({ ...options, width, height }),
    data: { values },
    mark: "rect",
    encoding: {
      x: { field: "column", type: "ordinal", title: options.x, axis: axis(columnLabels), scale },
      y: { field: "row", type: "ordinal", title: options.y, axis: axis(rowLabels), scale },
      color: {
        field: "value",
        type: "quantitative",
        scale: { scheme: "viridis" },
        legend: {
          title: options.legend,
          titleLimit: height,
          orient: "right",
          direction: "vertical",
          gradientLength: Math.min(height - 30, 200),
          ...(options.format === undefined ? {} : { format: options.format }),
        },
      },
    },
  };
}

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
    mark: { type: "circle", size: 36, opacity: 0.6, color: PALETTE.blue },
    encoding: {
      x: { field: "x", type: "quantitative", title: options.x, scale: { zero: false } },
      y: { field: "y", type: "quantitative", title: options.y, scale: { zero: false } },
      ...(names.length > 1 || names[0] !== "" ? { color: colorBy(names) } : {}),
    },
  };
}

function frame({ title, subtitle, width = 440, height = 240 }: ChartOptions) {
  const heading = subtitle === undefined ? { text: title } : { text: title, subtitle };
  return { $schema: SCHEMA, title: heading, width, height } as const;
}

/** Colour by the field `series`; a single series needs no legend. */
function colorBy(names: string[]) {
  return {
    field: "series",
    type: "nominal" as const,
    scale: { domain: names, range: colorsOf(names) },
    ...(names.length > 1 ? {} : { legend: null }),
  };
}

/** Bars without series are all alike, unless every label has a colour of its own. */
function barColors(labels: string[]): string[] {
  if (labels.every((label) => label in COLORS)) return colorsOf(labels);
  return labels.map(() => PALETTE.blue);
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

function extent(values: ArrayLike<number>): [smallest: number, largest: number] {
  let smallest = Infinity;
  let largest = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot bin values as number ${i} is not finite: ${value}`);
    }
    smallest = Math.min(smallest, value);
    largest = Math.max(largest, value);
  }
  if (values.length === 0) throw new RangeError("Cannot bin values as there are none: length is 0");
  return [smallest, largest];
}

function requireFinite(numbers: readonly number[], what: string): void {
  if (numbers.length === 0) throw new RangeError(`Cannot draw ${what} as there are no rows: 0`);
  const wrong = numbers.find((number) => !Number.isFinite(number));
  if (wrong !== undefined) {
    throw new RangeError(`Cannot draw ${what} as a number is not finite: ${wrong}`);
  }
}
