import type { Encoder } from "./encoders/mod.ts";
import type { GraphEdge, GraphNode, ModelGraph } from "./model_graph.ts";

/** Draws a network's diagram, tensor by tensor. */
export class Diagram implements ModelGraph {
  readonly nodes: GraphNode[] = [];
  readonly edges: GraphEdge[] = [];

  constructor(readonly title: string) {}

  /** Adds a tensor; `stride` and `column` say where it stands. */
  add(name: string, stride: number, channels: number, column: number): void {
    this.nodes.push({ name, stride, channels, column });
  }

  /** Says what a tensor is made from. */
  link(kind: GraphEdge["kind"], to: string, ...from: string[]): void {
    for (const name of from) this.edges.push({ from: name, to, kind });
  }

  /** Adds the encoder's maps as the left column, each made from the one before. */
  addEncoder({ features }: Encoder, nameOf = (stride: number) => `tap${stride}`): void {
    for (const [i, { stride, channels }] of features.entries()) {
      this.add(nameOf(stride), stride, channels, 0);
      if (i > 0) this.link("down", nameOf(stride), nameOf(features[i - 1]!.stride));
    }
  }
}
