import type { TopLevelSpec } from "vega-lite";
import type { ModelGraph } from "@/model/mod.ts";
import { PALETTE } from "./theme.ts";

/** Colours of the edges: what happens to the size. */
const KINDS = ["down", "skip", "up"];
const KIND_COLORS = [PALETTE.blue, "#999999", PALETTE.vermillion];

/**
 * A network as a diagram: rows are sizes, from the full size on top to the coarsest; the number in a
 * node is that of its channels.
 */
export function networkDiagram(
  { title, nodes, edges }: ModelGraph,
  options: { subtitle?: string; width?: number; height?: number } = {},
): TopLevelSpec {
  const { subtitle, width = 640, height = 300 } = options;
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const level = (stride: number) => Math.log2(stride);
  const lines = edges.map(({ from, to, kind }) => {
    const a = byName.get(from), b = byName.get(to);
    if (!a || !b) throw new RangeError(`Cannot draw an edge as a node is missing: ${from}-${to}`);
    return {
      x: a.column,
      y: level(a.stride),
      x2: b.column,
      y2: level(b.stride),
      kind,
      edge: `${from} to ${to}`,
    };
  });
  const strides = [...new Set(nodes.map(({ stride }) => stride))].sort((a, b) => a - b);
  const y = {
    type: "quantitative" as const,
    title: "stride (input pixels a pixel)",
    scale: { reverse: true, domain: [-0.5, Math.max(...strides.map(level)) + 0.5] },
    axis: { values: strides.map(level), labelExpr: "pow(2, datum.value)", grid: false },
  };
  const columns = Math.max(...nodes.map(({ column }) => column));
  const x = {
    type: "quantitative" as const,
    axis: null,
    scale: { domain: [-0.5, columns + 0.5] },
  };
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: subtitle === undefined ? { text: title } : { text: title, subtitle },
    width,
    height,
    layer: [
      {
        data: { values: lines },
        mark: { type: "rule", strokeWidth: 1.5, opacity: 0.7 },
        encoding: {
          x: { field: "x", ...x },
          y: { field: "y", ...y },
          x2: { field: "x2" },
          y2: { field: "y2" },
          color: {
            field: "kind",
            type: "nominal",
            title: "size",
            scale: { domain: KINDS, range: KIND_COLORS },
          },
          tooltip: { field: "edge", type: "nominal" },
        },
      },
      {
        data: { values: nodes.map((node) => ({ ...node, level: level(node.stride) })) },
        mark: { type: "circle", opacity: 1, color: "#ffffff", stroke: "#333333", size: 700 },
        encoding: {
          x: { field: "column", ...x },
          y: { field: "level", ...y },
          tooltip: [
            { field: "name", type: "nominal" },
            { field: "channels", type: "quantitative" },
            { field: "stride", type: "quantitative" },
          ],
        },
      },
      {
        data: { values: nodes.map((node) => ({ ...node, level: level(node.stride) })) },
        mark: { type: "text", fontSize: 10, color: "#111111" },
        encoding: {
          x: { field: "column", ...x },
          y: { field: "level", ...y },
          text: { field: "channels", type: "quantitative" },
        },
      },
    ],
  };
}
