import type { GraphEdge, GraphNode, ModelGraph } from "./model_graph.ts";

/** Levels of the classical networks: full size and four halvings. */
const DEPTH = 5;

/** Channels of a level, doubled at each halving from 64 (Ronneberger et al. 2015). */
function channelsAt(level: number): number {
  return 64 * 2 ** level;
}

function nodeName(level: number, layer: number): string {
  return `x_${level}_${layer}`;
}

/** The diagram of the U-Net of Ronneberger, Fischer & Brox 2015, with "same" padding. */
export function unetGraph(): ModelGraph {
  const nodes: GraphNode[] = [];
  const edges: GraphEdge[] = [];
  for (let level = 0; level < DEPTH; level++) {
    const encoder = nodeName(level, 0);
    nodes.push({ name: encoder, stride: 2 ** level, channels: channelsAt(level), column: 0 });
    if (level > 0) edges.push({ from: nodeName(level - 1, 0), to: encoder, kind: "down" });
  }
  for (let level = DEPTH - 2; level >= 0; level--) {
    const layer = DEPTH - 1 - level;
    const decoder = nodeName(level, layer);
    nodes.push({ name: decoder, stride: 2 ** level, channels: channelsAt(level), column: layer });
    edges.push({ from: nodeName(level, 0), to: decoder, kind: "skip" });
    edges.push({ from: nodeName(level + 1, layer - 1), to: decoder, kind: "up" });
  }
  return { title: "U-Net", nodes, edges };
}

/**
 * The diagram of the U-Net++ of Zhou et al. 2018: node `x_{level}_{layer}` sees all nodes left of it on
 * its level, and the one below.
 */
export function unetPlusPlusGraph(): ModelGraph {
  const nodes: GraphNode[] = [];
  const edges: GraphEdge[] = [];
  for (let layer = 0; layer < DEPTH; layer++) {
    for (let level = 0; level < DEPTH - layer; level++) {
      const name = nodeName(level, layer);
      nodes.push({ name, stride: 2 ** level, channels: channelsAt(level), column: layer });
      if (layer === 0 && level > 0) {
        edges.push({ from: nodeName(level - 1, 0), to: name, kind: "down" });
      }
      if (layer === 0) continue;
      for (let left = 0; left < layer; left++) {
        edges.push({ from: nodeName(level, left), to: name, kind: "skip" });
      }
      edges.push({ from: nodeName(level + 1, layer - 1), to: name, kind: "up" });
    }
  }
  return { title: "U-Net++", nodes, edges };
}
