import type { TopLevelSpec } from "vega-lite";
import type { GraphNode, ModelGraph } from "@/model/mod.ts";
import { type Arrow, type Box, diagram } from "./diagram.ts";
import { MUTED, PALETTE } from "./theme.ts";

/** What happens to the size. */
const ARROWS = { down: PALETTE.blue, skip: MUTED, up: PALETTE.vermillion };

/** What a tensor is made by, as the number of arrows that end at it says. */
const NODES = {
  encoder: "#CFE3F1",
  "one input": "#FFFFFF",
  "several inputs joined": "#FBE3CC",
} as const;

const BOX = { width: 42, height: 22 };
const LEFT = 64;

/**
 * A network as a diagram: rows are sizes, from the full size on top to the coarsest; the number in a
 * box is that of its channels. Arrows that would run through another box go around it.
 *
 * @param options.title What the diagram shows. Default: the network's name.
 * @throws {RangeError} If a node of an edge is missing.
 */
export function networkDiagram(
  graph: ModelGraph,
  options: { title?: string; subtitle?: string; width?: number; height?: number } = {},
): TopLevelSpec {
  const { nodes, edges } = graph;
  const { title = graph.title, subtitle, width = 740, height = 340 } = options;
  const strides = [...new Set(nodes.map(({ stride }) => stride))].sort((a, b) => a - b);
  const columns = Math.max(...nodes.map(({ column }) => column));
  const place = ({ stride, column }: Pick<GraphNode, "stride" | "column">) => ({
    x: LEFT + BOX.width / 2 + column * (width - LEFT - BOX.width - 8) / Math.max(1, columns),
    y: height * (strides.indexOf(stride) + 0.6) / strides.length,
  });
  const boxes = nodes.map((node): Box => ({
    id: node.name,
    ...place(node),
    ...BOX,
    lines: [String(node.channels)],
    kind: kindOf(node, edges.filter(({ to }) => to === node.name).length),
    tip: `${node.name}: ${node.channels} channels, stride ${node.stride}`,
  }));
  const byId = new Map(boxes.map((box) => [box.id, box]));
  const arrows = edges.map(({ from, to, kind }): Arrow => {
    const [a, b] = [byId.get(from), byId.get(to)];
    return { from, to, kind, bend: a && b ? bendAround(a, b, boxes) : 0 };
  });
  return diagram(boxes, arrows, {
    title,
    ...(subtitle !== undefined && { subtitle }),
    width,
    height,
    boxKinds: NODES,
    arrowKinds: ARROWS,
    notes: strides.map((stride) => ({
      x: 0,
      y: place({ stride, column: 0 }).y,
      text: stride === 1 ? "full size" : `size / ${stride}`,
    })),
  });
}

function kindOf({ column }: GraphNode, inputs: number): keyof typeof NODES {
  if (column === 0) return "encoder";
  return inputs > 1 ? "several inputs joined" : "one input";
}

/** How far an arrow must bend so that it passes above the boxes between its ends. */
function bendAround(a: Box, b: Box, boxes: readonly Box[]): number {
  const between = boxes.filter((box) => box !== a && box !== b && isBetween(a, b, box));
  return between.length === 0 ? 0 : BOX.height / 2 + 6 + 3 * between.length;
}

function isBetween(a: Box, b: Box, box: Box): boolean {
  const dx = b.x - a.x, dy = b.y - a.y;
  const along = ((box.x - a.x) * dx + (box.y - a.y) * dy) / (dx ** 2 + dy ** 2);
  if (!(along > 0 && along < 1)) return false;
  const nearest = { x: a.x + along * dx, y: a.y + along * dy };
  return Math.abs(nearest.x - box.x) < box.width / 2 &&
    Math.abs(nearest.y - box.y) < box.height / 2;
}
