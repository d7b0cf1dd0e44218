import type { TopLevelSpec } from "vega-lite";
import { heading } from "./frame.ts";
import { INK } from "./theme.ts";

/** A box of a diagram, in CSS pixels from its upper left corner. */
export interface Box {
  id: string;
  /** Of its centre. */
  x: number;
  y: number;
  width: number;
  height: number;
  /** What is written in it; the first line is bold where there are several. */
  lines: readonly string[];
  kind: string;
  /** What a pointer over it tells. Default: its lines. */
  tip?: string;
}

/** An arrow from box to box. */
export interface Arrow {
  from: string;
  to: string;
  kind: string;
  /** How far its middle is pushed to the left of its way, in pixels. Default: 0, a straight line. */
  bend?: number;
  /** Whether it leaves on the right of its first box and enters on the left of its second. Default: false. */
  sideways?: boolean;
}

/** Colours by kind, in the legend's order. */
export type Kinds = Readonly<Record<string, string>>;

interface Place {
  x: number;
  y: number;
}

/** Pixels between the tip of an arrow and its box. */
const HEAD = 4;

/** Points of a curved arrow. */
const SAMPLES = 32;

/**
 * Boxes and arrows: every box is whole, every arrow ends at the border of its box.
 *
 * @param options.boxKinds Fill of each kind of box; those that occur stand in the legend.
 * @param options.arrowKinds Colour of each kind of arrow; no legend for a single one.
 * @param options.notes Texts without a box, such as the names of rows. Default: none.
 * @throws {RangeError} If an arrow's box is missing.
 */
export function diagram(
  boxes: readonly Box[],
  arrows: readonly Arrow[],
  options: {
    title: string;
    subtitle?: string;
    width: number;
    height: number;
    boxKinds: Kinds;
    arrowKinds: Kinds;
    notes?: readonly (Place & { text: string })[];
  },
): TopLevelSpec {
  const { width, height, boxKinds, arrowKinds, notes = [] } = options;
  const byId = new Map(boxes.map((box) => [box.id, box]));
  const routes = arrows.map((arrow) => {
    const from = byId.get(arrow.from), to = byId.get(arrow.to);
    if (from && to) {
      const points = arrow.sideways ? sidewaysRoute(from, to) : route(from, to, arrow.bend ?? 0);
      return { ...arrow, points };
    }
    throw new RangeError(
      `Cannot draw an edge as a node is missing: ${arrow.from}-${arrow.to}`,
    );
  });
  const position = (x: string, y: string) => ({
    x: { field: x, type: "quantitative" as const, scale: { domain: [0, width] }, axis: null },
    y: {
      field: y,
      type: "quantitative" as const,
      scale: { domain: [0, height], reverse: true },
      axis: null,
    },
  });
  const lines = routes.flatMap(({ from, to, kind, points }) =>
    points.map(({ x, y }, order) => ({ x, y, kind, order, edge: `${from} to ${to}` }))
  );
  const heads = routes.map(({ kind, points }) => ({
    ...points.at(-1)!,
    kind,
    angle: slope(points),
  }));
  const rectangles = boxes.map((box) => ({
    x: box.x - box.width / 2,
    x2: box.x + box.width / 2,
    y: box.y - box.height / 2,
    y2: box.y + box.height / 2,
    kind: box.kind,
    tip: box.tip ?? box.lines.join(", "),
  }));
  const LINE_HEIGHT = 14;
  const texts = boxes.flatMap(({ x, y, lines }) =>
    lines.map((text, i) => ({
      x,
      y: y + (i - (lines.length - 1) / 2) * LINE_HEIGHT,
      text,
      weight: lines.length > 1 && i === 0 ? "bold" : "normal",
    }))
  );
  const arrowColor = {
    field: "kind",
    type: "nominal" as const,
    scale: { domain: Object.keys(arrowKinds), range: Object.values(arrowKinds) },
    legend: null,
  };
  const writing = (weight: string) => ({
    data: { values: texts.filter((text) => text.weight === weight) },
    mark: { type: "text" as const, fontSize: 11, fontWeight: weight as "bold", color: "#111111" },
    encoding: { ...position("x", "y"), text: { field: "text", type: "nominal" as const } },
  });
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: heading(options),
    width,
    height,
    layer: [
      {
        data: { values: lines },
        mark: { type: "line", strokeWidth: 1.6, interpolate: "linear" },
        encoding: {
          ...position("x", "y"),
          color: Object.keys(arrowKinds).length === 1 ? arrowColor : {
            ...arrowColor,
            legend: { symbolType: "stroke", title: "arrows:", titleOrient: "left" },
          },
          detail: { field: "edge", type: "nominal" },
          order: { field: "order", type: "quantitative" },
        },
      },
      {
        data: { values: heads },
        mark: { type: "point", shape: "triangle", filled: true, opacity: 1, size: 45 },
        encoding: {
          ...position("x", "y"),
          color: arrowColor,
          angle: { field: "angle", type: "quantitative", scale: null },
        },
      },
      {
        data: { values: rectangles },
        mark: { type: "rect", cornerRadius: 5, stroke: INK, strokeWidth: 1, opacity: 1 },
        encoding: {
          ...position("x", "y"),
          x2: { field: "x2" },
          y2: { field: "y2" },
          fill: {
            field: "kind",
            type: "nominal",
            scale: { domain: Object.keys(boxKinds), range: Object.values(boxKinds) },
            legend: Object.keys(boxKinds).length === 1 ? null : {
              symbolType: "square",
              symbolStrokeWidth: 1,
              title: "boxes:",
              titleOrient: "left",
            },
          },
          tooltip: { field: "tip", type: "nominal" },
        },
      },
      writing("normal"),
      ...(texts.some(({ weight }) => weight === "bold") ? [writing("bold")] : []),
      ...(notes.length === 0 ? [] : [{
        data: { values: [...notes] },
        mark: { type: "text" as const, fontSize: 11, color: INK, align: "left" as const },
        encoding: { ...position("x", "y"), text: { field: "text", type: "nominal" as const } },
      }]),
    ],
    resolve: { scale: { color: "independent", fill: "independent" } },
  };
}

/** The way from the centre of a box to the border of another: straight, or a curve that rises steeply. */
function route(from: Box, to: Box, bend: number): Place[] {
  const dx = to.x - from.x, dy = to.y - from.y;
  const length = Math.hypot(dx, dy) || 1;
  const points = Array.from({ length: SAMPLES + 1 }, (_, i) => {
    const t = i / SAMPLES;
    // A cubic curve whose control points stand beside its ends: halfway it is 3/4 as far out as they.
    const along = 3 * t ** 2 - 2 * t ** 3;
    const aside = 4 * bend * t * (1 - t);
    return {
      x: from.x + along * dx + aside * dy / length,
      y: from.y + along * dy - aside * dx / length,
    };
  });
  const firstInside = points.findIndex((point) => contains(to, point, HEAD));
  const outside = points.slice(0, Math.max(1, firstInside));
  const end = border(to, outside.at(-1)!, points[outside.length]!, HEAD);
  const way = bend === 0 ? [points[0]!, end] : [...outside, end];
  return way.map(({ x, y }) => ({ x: Math.round(10 * x) / 10, y: Math.round(10 * y) / 10 }));
}

/** The way from the right side of a box to the left side of another, level at both ends. */
function sidewaysRoute(from: Box, to: Box): Place[] {
  const start = { x: from.x + from.width / 2, y: from.y };
  const end = { x: to.x - to.width / 2 - HEAD, y: to.y };
  if (start.y === end.y) return [start, end];
  return Array.from({ length: SAMPLES + 1 }, (_, i) => {
    const t = i / SAMPLES;
    const along = 3 * t ** 2 - 2 * t ** 3;
    return {
      x: Math.round(10 * (start.x + t * (end.x - start.x))) / 10,
      y: Math.round(10 * (start.y + along * (end.y - start.y))) / 10,
    };
  });
}

/** Where the way from a point outside of a box to one inside meets its border, widened by a margin. */
function border(box: Box, outside: Place, inside: Place, margin: number): Place {
  let [low, high] = [0, 1];
  const at = (t: number) => ({
    x: outside.x + t * (inside.x - outside.x),
    y: outside.y + t * (inside.y - outside.y),
  });
  for (let step = 0; step < 12; step++) {
    const middle = (low + high) / 2;
    if (contains(box, at(middle), margin)) high = middle;
    else low = middle;
  }
  return at(low);
}

/** Whether a point lies within a box, widened by a margin. */
export function contains({ x, y, width, height }: Box, point: Place, margin: number): boolean {
  return Math.abs(point.x - x) < width / 2 + margin && Math.abs(point.y - y) < height / 2 + margin;
}

/** Direction at the end of a way, in degrees clockwise from up. */
function slope(points: readonly Place[]): number {
  const end = points.at(-1)!, before = points.at(-2)!;
  return Math.round(Math.atan2(end.y - before.y, end.x - before.x) * 180 / Math.PI + 90);
}
