/** One tensor of a network's diagram. */
export interface GraphNode {
  name: string;
  /** Input pixels for each pixel, along one side: 1 at full size. */
  stride: number;
  channels: number;
  /** Place from left (0, the encoder) to right (the output). */
  column: number;
}

/** How one tensor of a diagram is made from another. */
export interface GraphEdge {
  from: string;
  to: string;
  /** `up` makes it larger, `down` halves its sides, `skip` keeps its size. */
  kind: "up" | "down" | "skip";
}

/** A network as nodes and edges. */
export interface ModelGraph {
  title: string;
  nodes: GraphNode[];
  edges: GraphEdge[];
}
