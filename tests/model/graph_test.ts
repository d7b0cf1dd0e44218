import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import {
  createModel,
  type ModelGraph,
  type ModelOptions,
  type SegmentationModel,
} from "@/model/mod.ts";

/** What holds for every diagram. */
function assertConsistent({ nodes, edges }: ModelGraph): void {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  assertEquals(byName.size, nodes.length, "names are unique");
  const places = new Set(nodes.map(({ column, stride }) => `${column}, ${stride}`));
  assertEquals(places.size, nodes.length, "no node hides another");
  assertEquals(new Set(edges.map(({ from, to }) => `${from}-${to}`)).size, edges.length);
  const factors = { down: 2, skip: 1, up: 1 / 2 };
  for (const { from, to, kind } of edges) {
    const [source, target] = [byName.get(from), byName.get(to)];
    assertEquals([from, source?.name, to, target?.name], [from, from, to, to], "nodes exist");
    assertEquals(target!.stride / source!.stride, factors[kind], `${kind}: ${from} to ${to}`);
    assertGreaterOrEqual(target!.column, source!.column, `${from} to ${to}`);
  }
  // All but the finest of the encoder come from something, and all but the output go somewhere.
  const made = new Set(edges.map(({ to }) => to)), used = new Set(edges.map(({ from }) => from));
  const sources = nodes.filter(({ name }) => !made.has(name));
  assertEquals(sources.map(({ column }) => column), [0]);
  assertEquals(nodes.filter(({ name }) => !used.has(name)).length, 1);
}

function inputsOf({ edges }: ModelGraph, name: string, kind: string): string[] {
  return edges.filter((edge) => edge.to === name && edge.kind === kind).map(({ from }) => from);
}

/** A model's diagram beside the weights that it stands for. */
interface Drawn {
  graph: ModelGraph;
  channels: (name: string) => number;
  shape: (weight: string) => number[];
}

function withModel(
  options: Partial<ModelOptions>,
  test: (drawn: Drawn, model: SegmentationModel) => void,
) {
  const model = createModel({
    architecture: "simplified-unet++",
    encoder: "efficientnet-b0",
    ...options,
  });
  const { graph, weights } = model;
  test({
    graph,
    channels: (name) => graph.nodes.find((node) => node.name === name)!.channels,
    shape: (weight) => weights.get(weight).shape,
  }, model);
  model.dispose();
}

for (
  const options of [
    { encoder: "efficientnet-b0", startFilters: 8 },
    { encoder: "efficientnet-b3", startFilters: 3 },
  ] as const
) {
  Deno.test(`graph of ${options.encoder} with ${options.startFilters} filters is that of the weights`, () =>
    withModel(options, ({ graph, channels, shape }, { encoder, weights }) => {
      assertConsistent(graph);

      const taps = graph.nodes.filter(({ name }) => name.startsWith("tap"));
      assertEquals(
        taps.map(({ stride, channels }) => ({ stride, channels })),
        encoder.features.map(({ stride, channels }) => ({ stride, channels })),
      );

      // Kernels of up-convolutions are [3, 3, filters, input]. The last has no node of its own.
      const ups = weights.all.map(({ name }) => /^up_(\w+)\/kernel$/.exec(name)?.[1] ?? "");
      const drawn = graph.nodes.map(({ name }) => name).filter((name) => /^d\d/.test(name));
      assertEquals(ups.filter((name) => name !== "").sort(), ["d0", ...drawn].sort());
      for (const name of drawn) {
        const [source, ...others] = inputsOf(graph, name, "up");
        assertEquals(others, []);
        assertEquals(shape(`up_${name}/kernel`), [3, 3, channels(name), channels(source!)], name);
      }
      assertEquals(inputsOf(graph, "u0", "up"), ["u1"]);
      assertEquals(shape("up_d0/kernel"), [3, 3, channels("u0"), channels("u1")]);

      // Those of convolutions are [3, 3, input, filters]; a block's input is all of its skips.
      for (const name of ["u4", "u3", "u2", "u1"]) {
        const input = inputsOf(graph, name, "skip").reduce((sum, from) => sum + channels(from), 0);
        assertEquals(shape(`${name}_conv/kernel`), [3, 3, input, channels(name)], name);
      }
      assertEquals(shape("u0_conv/kernel"), [3, 3, channels("u0"), channels("u0")]);
      assertEquals(shape("middle_conv/kernel"), [3, 3, channels("tap16"), channels("middle")]);
      assertEquals(shape("output/kernel"), [1, 1, channels("u0"), channels("output")]);
    }));
}

Deno.test("graph of the model has the hyper-paths of the report", () =>
  withModel({}, ({ graph }) => {
    assertEquals(inputsOf(graph, "u4", "skip"), ["d4", "tap16"]);
    assertEquals(inputsOf(graph, "u3", "skip"), ["d3", "d4a", "tap8"]);
    assertEquals(inputsOf(graph, "u2", "skip"), ["d2", "d3a", "d4b", "tap4"]);
    assertEquals(inputsOf(graph, "u1", "skip"), ["d1", "d2a", "d3b", "d4c", "tap2"]);
    const chain = ["d4", "d4a", "d4b", "d4c"];
    assertEquals(chain.map((name) => inputsOf(graph, name, "up")), [["middle"], ["d4"], ["d4a"], [
      "d4b",
    ]]);
  }));
