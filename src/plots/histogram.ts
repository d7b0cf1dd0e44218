import type { TopLevelSpec } from "vega-lite";
import { type ChartOptions, colorBy, frame } from "./frame.ts";

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
 * @param options.logarithmic Whether bins are equally wide on a logarithmic axis. Default: false.
 * @throws {RangeError} See {@link binCounts}.
 */
export function histogram(
  series: Record<string, ArrayLike<number>>,
  options: ChartOptions & { bins?: number; from?: number; to?: number; logarithmic?: boolean },
): TopLevelSpec {
  const { bins = 30, logarithmic = false } = options;
  const names = Object.keys(series);
  const toAxis = logarithmic ? Math.log10 : (value: number) => value;
  const fromAxis = logarithmic ? (place: number) => 10 ** place : (place: number) => place;
  const places = names.map((name) => Array.from(series[name] ?? [], toAxis));
  const [smallest, largest] = extent(places.flat());
  const range = {
    from: options.from === undefined ? smallest : toAxis(options.from),
    to: options.to === undefined ? largest : toAxis(options.to),
  };
  const values = names.flatMap((name, order) =>
    // An empty series has no range of its own, but still its place in the legend.
    (places[order]!.length > 0 ? binCounts(places[order]!, { ...range, bins }) : [])
      .map(({ start, end, count }) => {
        return { start: fromAxis(start), end: fromAxis(end), count, series: name, order };
      })
  );
  return {
    ...frame(options),
    data: { values },
    mark: { type: "bar", binSpacing: 1 },
    encoding: {
      x: {
        field: "start",
        type: "quantitative",
        bin: { binned: true },
        title: options.x,
        ...(logarithmic && { scale: { type: "log", nice: false } }),
      },
      x2: { field: "end" },
      y: { field: "count", type: "quantitative", title: options.y, stack: "zero" },
      color: colorBy(names),
      order: { field: "order", type: "quantitative" },
    },
  };
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
