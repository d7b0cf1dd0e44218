import type { TopLevelSpec } from "vega-lite";
import { type ChartOptions, frame, requireFinite } from "./frame.ts";
import { PALETTE } from "./theme.ts";

/**
 * A matrix as coloured cells, first row on top, such as how often each part of the image is marked.
 *
 * @param matrix Row-major, `rows * columns` finite numbers.
 * @param options.rowLabels What stands beside each row. Default: nothing.
 * @param options.columnLabels What stands below each column. Default: nothing.
 * @param options.legend Title of the colour scale, with its unit; `null` for no legend.
 * @param options.format d3-format of the colour scale's labels. Default: chosen by vega.
 * @param options.domain Values of the scale's ends, to share it between charts. Default: the extremes.
 * @param options.written Whether each cell's value is written into it. Default: false.
 * @param options.marked Cells with a frame around them, such as the best one. Default: none.
 * @throws {RangeError} If the length is not `rows * columns`, or a number is not finite.
 */
export function heatmap(
  matrix: ArrayLike<number>,
  shape: { rows: number; columns: number },
  options: ChartOptions & {
    legend: string | null;
    format?: string;
    domain?: readonly [number, number];
    written?: boolean;
    marked?: readonly { row: number; column: number }[];
    rowLabels?: readonly (string | number)[];
    columnLabels?: readonly (string | number)[];
  },
): TopLevelSpec {
  const { rows, columns } = shape;
  const { rowLabels, columnLabels, written = false, marked = [] } = options;
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
  const place = {
    x: {
      field: "column",
      type: "ordinal" as const,
      title: options.x,
      axis: axis(columnLabels),
      scale: { paddingInner: 0 },
    },
    y: {
      field: "row",
      type: "ordinal" as const,
      title: options.y,
      axis: axis(rowLabels),
      scale: { paddingInner: 0 },
    },
  };
  const format = options.format === undefined ? {} : { format: options.format };
  const cells = {
    mark: { type: "rect" as const },
    encoding: {
      ...place,
      color: {
        field: "value",
        type: "quantitative" as const,
        scale: {
          scheme: "viridis" as const,
          ...(options.domain && { domain: [...options.domain] }),
        },
        legend: options.legend === null ? null : {
          title: options.legend,
          titleLimit: height,
          orient: "right" as const,
          direction: "vertical" as const,
          gradientLength: Math.min(height - 30, 200),
          ...format,
        },
      },
    },
  };
  if (!written && marked.length === 0) {
    return { ...frame({ ...options, width, height }), data: { values }, ...cells };
  }
  const numbers = Array.from(matrix);
  const [low, high] = options.domain ?? [Math.min(...numbers), Math.max(...numbers)];
  const isLight = `datum.value > ${low + 0.6 * (high - low)}`;
  return {
    ...frame({ ...options, width, height }),
    data: { values },
    layer: [
      cells,
      ...(written
        ? [{
          mark: { type: "text" as const, fontSize: 11 },
          encoding: {
            ...place,
            text: { field: "value", type: "quantitative" as const, ...format },
            color: { condition: { test: isLight, value: "#000000" }, value: "#FFFFFF" },
          },
        }]
        : []),
      ...(marked.length === 0 ? [] : [{
        data: { values: [...marked] },
        mark: { type: "rect" as const, filled: false, stroke: PALETTE.vermillion, strokeWidth: 3 },
        encoding: place,
      }]),
    ],
  };
}
