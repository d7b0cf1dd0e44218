import type { TopLevelSpec } from "vega-lite";
import type { FeatureMapPicture, SegmentationModel } from "@/model/mod.ts";
import { bars } from "./bars.ts";
import type { Film } from "./film_grid.ts";
import { type LineRow, lines } from "./lines.ts";
import { networkDiagram } from "./network.ts";
import { panels } from "./panels.ts";

/** A model's diagram, with what it counts to. */
export function modelDiagram(
  { graph, weights, encoder }: Pick<SegmentationModel, "graph" | "weights" | "encoder">,
): TopLevelSpec {
  const joins =
    graph.nodes.filter(({ name, column }) =>
      column > 0 && graph.edges.filter(({ to }) => to === name).length > 1
    ).length;
  return networkDiagram(graph, {
    title: `${graph.title}: ${joins} places where maps are joined, ${
      (weights.parameterCount / 1e6).toFixed(1)
    } million parameters`,
    subtitle: `Encoder: ${
      encoder.name === "unet" ? "its own" : encoder.name
    }. Number in a box: channels`,
  });
}

/** How many parameters models have. */
export function modelSizes(
  models: readonly { label: string; parameters: number }[],
  titles: { x: string; subtitle: string },
): TopLevelSpec {
  const ranked = models.toSorted((a, b) => a.parameters - b.parameters);
  const [smallest, largest] = [ranked[0]!, ranked.at(-1)!];
  const millions = (parameters: number) => (parameters / 1e6).toFixed(1);
  return bars(models.map(({ label, parameters }) => ({ label, value: parameters / 1e6 })), {
    ...titles,
    title: `From ${millions(smallest.parameters)} (${smallest.label}) to ${
      millions(largest.parameters)
    } million parameters (${largest.label})`,
    y: "million parameters",
    format: ".1f",
    height: 200,
    width: 680,
  });
}

/**
 * Activations and their slopes.
 *
 * @param x Where they were computed.
 */
export function activationCurves(
  x: ArrayLike<number>,
  curves: readonly { name: string; values: ArrayLike<number>; slopes: ArrayLike<number> }[],
): TopLevelSpec {
  const rows = (of: "values" | "slopes") =>
    curves.flatMap((curve) =>
      Array.from(x, (at, i): LineRow => ({ x: at, y: curve[of][i]!, series: curve.name }))
    );
  const dead = curves.filter(({ slopes }) =>
    Array.from(x).every((at, i) => at >= 0 || slopes[i] === 0)
  );
  const size = { x: "x", width: 320, height: 240 };
  return panels([
    lines(rows("values"), { ...size, title: "Activation", y: "activation" }),
    lines(rows("slopes"), { ...size, title: "Slope", y: "slope" }),
  ], {
    title: `Slope 0 everywhere below zero: ${dead.map(({ name }) => name).join(", ") || "none"}`,
    subtitle: "Computed by TensorFlow, the slopes by its gradients",
  });
}

/** Feature maps in rows, the film itself in front of each. */
export function featurePictures(maps: readonly FeatureMapPicture[], film: Uint8Array): Film[] {
  return maps.flatMap(({ pictures, stride, channels, size }) => [
    { grey: film, caption: `stride ${stride}` },
    ...pictures.map((grey) => ({
      grey,
      probabilities: Float32Array.from(grey, (value) => value / 255),
      caption: `${size} x ${size}, of ${channels}`,
    })),
  ]);
}
