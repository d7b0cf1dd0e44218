import { assert, assertEquals, assertThrows } from "@std/assert";
import { type ArchitectureName, ARCHITECTURES, createModel, type ModelGraph } from "@/model/mod.ts";
import {
  flowDiagram,
  modelDiagram,
  networkDiagram,
  renderSvg,
  type TopLevelSpec,
} from "@/plots/mod.ts";
import { textsOf, titlesOf } from "./chart_rows.ts";

/** The graph of a model, which needs nothing of the model any more. */
function graphOf(architecture: ArchitectureName): ModelGraph {
  const model = createModel({ architecture, encoder: "efficientnet-b0", startFilters: 8 });
  model.dispose();
  return model.graph;
}

interface Rectangle {
  x: number;
  x2: number;
  y: number;
  y2: number;
  tip: string;
}

interface Step {
  x: number;
  y: number;
  edge: string;
}

/** Boxes and the ways of the arrows of a diagram, in pixels. */
function partsOf(spec: TopLevelSpec): { boxes: Rectangle[]; ways: Map<string, Step[]> } {
  // deno-lint-ignore no-explicit-any
  const layers = (spec as any).layer as any[];
  const steps = layers[0].data.values as Step[];
  return { boxes: layers[2].data.values, ways: Map.groupBy(steps, ({ edge }) => edge) };
}

/** Places along a way, one for each pixel or so. */
function along(way: readonly Step[]): { x: number; y: number }[] {
  return way.slice(1).flatMap((end, i) => {
    const start = way[i]!;
    const count = Math.ceil(Math.hypot(end.x - start.x, end.y - start.y)) || 1;
    return Array.from({ length: count + 1 }, (_, step) => ({
      x: start.x + (end.x - start.x) * step / count,
      y: start.y + (end.y - start.y) * step / count,
    }));
  });
}

for (const name of ARCHITECTURES) {
  Deno.test(`networkDiagram() draws ${name} without a warning`, async () => {
    const graph = graphOf(name);
    const svg = await renderSvg(networkDiagram(graph, { subtitle: "and more" }));
    const texts = textsOf(svg);
    for (const text of [graph.title, "and more", "down", "skip", "up", "encoder"]) {
      assertEquals(texts.includes(text), true, text);
    }
    // In each box stand its channels; each stride has its row.
    const numbers = texts.filter((text) => /^[\d,]+$/.test(text)).sort();
    assertEquals(numbers, graph.nodes.map(({ channels }) => String(channels)).sort());
    const strides = [...new Set(graph.nodes.map(({ stride }) => stride))];
    const rows = strides.map((stride) => stride === 1 ? "full size" : `size / ${stride}`);
    assertEquals(rows.filter((row) => !texts.includes(row)), []);
    const marks = (kind: string) =>
      svg.match(new RegExp(`role="graphics-symbol" aria-roledescription="${kind}`, "g"));
    assertEquals(marks("rect mark")?.length, graph.nodes.length);
    assertEquals(marks("point")?.length, graph.edges.length);
  });

  Deno.test(`networkDiagram() leads no arrow of ${name} through another box`, () => {
    const graph = graphOf(name);
    const { boxes, ways } = partsOf(networkDiagram(graph));
    assertEquals(ways.size, graph.edges.length);
    for (const { from, to } of graph.edges) {
      const others = boxes.filter(({ tip }) =>
        !tip.startsWith(`${from}:`) && !tip.startsWith(`${to}:`)
      );
      assertEquals(others.length, boxes.length - 2);
      for (const { x, y } of along(ways.get(`${from} to ${to}`)!)) {
        const hit = others.find((box) => x > box.x && x < box.x2 && y > box.y && y < box.y2);
        assert(!hit, `${from} to ${to} runs through ${hit?.tip}`);
      }
    }
  });
}

Deno.test("networkDiagram() ends every arrow at the border of its box", () => {
  const graph = graphOf("unet++");
  const { boxes, ways } = partsOf(networkDiagram(graph));
  for (const { from, to } of graph.edges) {
    const { x, y } = ways.get(`${from} to ${to}`)!.at(-1)!;
    const box = boxes.find(({ tip }) => tip.startsWith(`${to}:`))!;
    const apart = Math.max(box.x - x, x - box.x2, box.y - y, y - box.y2);
    assert(apart >= 3 && apart < 5, `${from} to ${to} ends ${apart} px from the border`);
  }
});

Deno.test("networkDiagram() draws the full size on top, and fits its width", () => {
  const graph = graphOf("unet");
  const { boxes } = partsOf(networkDiagram(graph, { width: 500, height: 200 }));
  const top = (name: string) => boxes.find(({ tip }) => tip.startsWith(`${name}:`))!.y;
  const [fine, coarse] = [
    graph.nodes.find(({ stride }) => stride === 1)!,
    graph.nodes.find(
      ({ stride }) => stride === 16,
    )!,
  ];
  assert(top(fine.name) < top(coarse.name));
  assert(boxes.every(({ x, x2, y, y2 }) => x >= 0 && x2 <= 500 && y >= 0 && y2 <= 200));
});

Deno.test("modelDiagram() counts joints and parameters, and names the encoder", () => {
  const model = createModel({ architecture: "unet++", encoder: "efficientnet-b0" });
  const millions = (model.weights.parameterCount / 1e6).toFixed(1);
  const { title, subtitle } = titlesOf(modelDiagram(model));
  model.dispose();
  // With five sizes, U-Net++ has 4 + 3 + 2 + 1 inner nodes.
  assertEquals(title, `U-Net++: 10 places where maps are joined, ${millions} million parameters`);
  assertEquals(subtitle, "Encoder: efficientnet-b0. Number in a box: channels");
});

Deno.test("networkDiagram() refuses an edge without its node", () => {
  const { title, nodes, edges } = graphOf("unet");
  const broken = { title, nodes: nodes.slice(1), edges };
  assertThrows(() => networkDiagram(broken), RangeError, "a node is missing: x_0_0-x_1_0");
});

Deno.test("flowDiagram() writes every line inside its box, columns from left to right", async () => {
  const spec = flowDiagram(
    [
      { id: "a", column: 0, kind: "data", lines: ["film", "1024 x 1024"] },
      { id: "b", column: 1, kind: "step", lines: ["as it is"], from: ["a"] },
      { id: "c", column: 1, kind: "step", lines: ["mirrored"], from: ["a", "b"] },
      { id: "d", column: 2, kind: "data", lines: ["mean"], from: ["b", "c"] },
    ],
    { data: "#CFE3F1", step: "#FFFFFF" },
    { title: "A flow" },
  );
  const { boxes, ways } = partsOf(spec);
  assertEquals([...ways.keys()], ["a to b", "a to c", "b to c", "b to d", "c to d"]);
  const [a, b, c, d] = boxes as [Rectangle, Rectangle, Rectangle, Rectangle];
  assert(a.x2 < b.x && b.x2 < d.x && b.x === c.x && b.y2 < c.y);
  // No arrow runs through a box that it does not belong to, within a column neither.
  for (const [edge, way] of ways) {
    const ends = edge.split(" to ");
    const others = boxes.filter((_, i) => !ends.includes("abcd"[i]!));
    for (const { x, y } of along(way)) {
      const hit = others.find((box) => x > box.x && x < box.x2 && y > box.y && y < box.y2);
      assert(!hit, `${edge} runs through ${hit?.tip}`);
    }
  }
  const svg = await renderSvg(spec);
  for (const text of ["A flow", "film", "1024 x 1024", "as it is", "mirrored", "mean"]) {
    assert(textsOf(svg).includes(text), text);
  }
});
