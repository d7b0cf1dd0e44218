import type { TopLevelSpec } from "vega-lite";
import { type Box, diagram, type Kinds } from "./diagram.ts";
import { INK } from "./theme.ts";
import { textWidth } from "./text_width.ts";

/** One step of a flow. */
export interface FlowStep {
  id: string;
  /** Place from left (0) to right; steps of one column stand below each other, in their order. */
  column: number;
  /** What is written in its box; the first line is its name. */
  lines: readonly string[];
  kind: string;
  /** Ids of the steps that it takes from. Default: none. */
  from?: readonly string[];
}

const LINE_HEIGHT = 14;
const MARGIN = 10;

/**
 * How things go from step to step, from left to right.
 *
 * @param kinds Fill of each kind of step, in the legend's order.
 * @throws {RangeError} If a step takes from one that is not there.
 */
export function flowDiagram(
  steps: readonly FlowStep[],
  kinds: Kinds,
  options: { title: string; subtitle?: string; gap?: number },
): TopLevelSpec {
  const { gap = 34, ...titles } = options;
  const count = Math.max(...steps.map(({ column }) => column)) + 1;
  const columns = Array.from(
    { length: count },
    (_, column) => steps.filter((step) => step.column === column),
  );
  const widths = columns.map((column) =>
    Math.max(0, ...column.map(({ lines }) => boxWidth(lines)))
  );
  const heightOf = ({ lines }: FlowStep) => LINE_HEIGHT * lines.length + 2 * MARGIN;
  const heights = columns.map((column) =>
    column.reduce((sum, step) => sum + heightOf(step) + MARGIN, -MARGIN)
  );
  const height = Math.max(...heights) + 4;
  let left = 2;
  const boxes = columns.flatMap((column, i) => {
    const width = widths[i]!;
    let top = (height - heights[i]!) / 2;
    const placed = column.map((step): Box => {
      const box = {
        id: step.id,
        x: left + width / 2,
        y: top + heightOf(step) / 2,
        width,
        height: heightOf(step),
        lines: step.lines,
        kind: step.kind,
      };
      top += heightOf(step) + MARGIN;
      return box;
    });
    left += width + gap;
    return placed;
  });
  const columnOf = new Map(steps.map(({ id, column }) => [id, column]));
  const arrows = steps.flatMap(({ id, column, from = [] }) =>
    from.map((other) => ({
      from: other,
      to: id,
      kind: "then",
      // Within a column an arrow goes down.
      sideways: columnOf.get(other) !== column,
    }))
  );
  return diagram(boxes, arrows, {
    ...titles,
    width: left - gap + 2,
    height,
    boxKinds: kinds,
    arrowKinds: { then: INK },
  });
}

function boxWidth(lines: readonly string[]): number {
  const bold = lines.length > 1;
  return Math.ceil(
    2 * MARGIN + Math.max(...lines.map((line, i) => textWidth(line, 11, bold && i === 0))),
  );
}
