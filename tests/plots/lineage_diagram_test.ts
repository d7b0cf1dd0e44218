import { assertEquals, assertThrows } from "@std/assert";
import type { Run, RunStatus } from "@/experiments/mod.ts";
import { lineageDiagram, renderSvg } from "@/plots/mod.ts";

/** A run of which only what is drawn is of interest. */
function run(id: string, status: RunStatus, fields: Partial<Run> = {}): Run {
  const experiment = { name: `phantom/${id}`, training: { epochs: 4 } };
  const metrics = [
    { epoch: 1, validationDice: 0.5, seconds: 90 },
    { epoch: 2, validationDice: NaN, seconds: 90 },
  ];
  return {
    id,
    status,
    started: id,
    parent: null,
    experiment,
    metrics,
    ...fields,
  } as unknown as Run;
}

const from = (run: string) => ({ run, checkpoint: "final", sha256: "" } as const);
const runs = [
  run("2-b", "running", { parent: from("1-a"), metrics: [] }),
  run("1-a", "finished"),
  run("4-d", "failed", { parent: from("2-b") }),
  run("3-c", "interrupted", { parent: from("1-a"), repeats: "0000-1111-2222" }),
];

Deno.test("lineageDiagram() says of each run what it is, and draws a line from each parent", async () => {
  const svg = await renderSvg(lineageDiagram(runs, { title: "All runs" }));
  const texts = [...svg.matchAll(/<text[^>]*>([^<]+)<\/text>/g)].map(([, text]) => text!);
  const expected = [
    "All runs",
    "phantom/1-a (1-a), dice 0.500, 2/4 epochs, 3.0 min",
    "phantom/2-b (2-b), 0/4 epochs, 0.0 min",
    "phantom/4-d (4-d), dice 0.500, 2/4 epochs, 3.0 min",
    "phantom/3-c (3-c), dice 0.500, 2/4 epochs, 3.0 min, repeats 2222",
  ];
  for (const text of expected) assertEquals(texts.includes(text), true, `${text}: ${texts}`);
  // The order is that of descent, downwards; a child stands further to the right.
  const spec = JSON.parse(JSON.stringify(lineageDiagram(runs)));
  const places = spec.layer[1].data.values.map((
    node: { run: string; row: number; depth: number },
  ) => [
    node.run,
    node.row,
    node.depth,
  ]);
  assertEquals(places, [["1-a", 0, 0], ["2-b", 1, 1], ["4-d", 2, 2], ["3-c", 3, 1]]);
  assertEquals(spec.layer[0].data.values, [
    { x: 0, x2: 0, y: 0, y2: 1 },
    { x: 0, x2: 1, y: 1, y2: 1 },
    { x: 1, x2: 1, y: 1, y2: 2 },
    { x: 1, x2: 2, y: 2, y2: 2 },
    { x: 0, x2: 0, y: 0, y2: 3 },
    { x: 0, x2: 1, y: 3, y2: 3 },
  ]);
});

Deno.test("lineageDiagram() draws a single run, and refuses none", async () => {
  await renderSvg(lineageDiagram([run("1-a", "finished")]));
  assertThrows(() => lineageDiagram([]), RangeError, "there is no run");
});
