import { assertEquals, assertThrows } from "@std/assert";
import { type ArchitectureName, ARCHITECTURES, createModel, type ModelGraph } from "@/model/mod.ts";
import { networkDiagram, renderSvg } from "@/plots/mod.ts";

/** The graph of a model, which needs nothing of the model any more. */
function graphOf(architecture: ArchitectureName): ModelGraph {
  const model = createModel({ architecture, encoder: "efficientnet-b0", startFilters: 8 });
  model.dispose();
  return model.graph;
}

/** All texts in some SVG. */
function textsOf(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]+)<\/text>/g)].map(([, text]) => text!);
}

for (const name of ARCHITECTURES) {
  Deno.test(`networkDiagram() draws ${name} without a warning`, async () => {
    const graph = graphOf(name);
    const svg = await renderSvg(networkDiagram(graph, { subtitle: "and more" }));
    const texts = textsOf(svg);
    for (const text of [graph.title, "and more", "down", "skip", "up"]) {
      assertEquals(texts.includes(text), true, text);
    }
    // Each node has a circle and, in it, its channels; the axis names each stride.
    const strides = [...new Set(graph.nodes.map(({ stride }) => stride))];
    const numbers = texts.filter((text) => /^[\d,]+$/.test(text)).sort();
    const expected = [...graph.nodes.map(({ channels }) => channels), ...strides];
    assertEquals(numbers, expected.map(String).sort());
    const marks = (kind: string) =>
      svg.match(new RegExp(`role="graphics-symbol" aria-roledescription="${kind}`, "g"));
    assertEquals(marks("circle")?.length, graph.nodes.length);
    assertEquals(marks("rule")?.length, graph.edges.length);
  });
}

Deno.test("networkDiagram() draws the full size on top, and a subtitle only if there is one", () => {
  const spec = JSON.parse(
    JSON.stringify(networkDiagram(graphOf("unet"), { width: 300, height: 200 })),
  );
  assertEquals([spec.title, spec.width, spec.height], [{ text: "U-Net" }, 300, 200]);
  const [, circles] = spec.layer;
  assertEquals(circles.encoding.y.scale.reverse, true);
  const levels = circles.data.values.map(({ level }: { level: number }) => level);
  assertEquals(levels, [0, 1, 2, 3, 4, 3, 2, 1, 0, 0]);
});

Deno.test("networkDiagram() refuses an edge without its node", () => {
  const { title, nodes, edges } = graphOf("unet");
  const broken = { title, nodes: nodes.slice(1), edges };
  assertThrows(() => networkDiagram(broken), RangeError, "a node is missing: x_0_0-x_1_0");
});
