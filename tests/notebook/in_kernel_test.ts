import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { type CodeCell, type MultilineText, readNotebook, runNotebook } from "@/jupyter/mod.ts";

/** Runs cells in a kernel that sees this project's import map, and returns them with outputs. */
async function run(sources: string[]): Promise<CodeCell[]> {
  const folder = await Deno.makeTempDir({ dir: import.meta.dirname!, prefix: ".run-" });
  try {
    const path = join(folder, "in.ipynb");
    const cells = sources.map((source, index) => ({
      cell_type: "code",
      id: `id-${index}`,
      metadata: {},
      source,
      outputs: [],
      execution_count: null,
    }));
    await Deno.writeTextFile(
      path,
      JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }),
    );
    const result = await runNotebook(path, { output: path, timeout: 60 });
    assertEquals(result.status, "ok", JSON.stringify(result.failure));
    return (await readNotebook(path)).cells as CodeCell[];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Display {
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
}

/** The only output of a cell, which must be a display. */
function displayOf(cell: CodeCell | undefined): Display {
  assertEquals(cell?.outputs.length, 1, JSON.stringify(cell?.outputs).slice(0, 500));
  const output = cell?.outputs[0];
  assert(output?.output_type === "display_data");
  return output;
}

function textOf(value: unknown): string {
  const text = value as MultilineText;
  return Array.isArray(text) ? text.join("") : text;
}

Deno.test("a stage shows its learning curve while it trains, and leaves a line of it", async () => {
  const start = `import { watchStage } from "@/notebook/mod.ts";
    const watcher = watchStage();
    watcher.onBatch({ epoch: 1, epochs: 2, batch: 1, batches: 1, films: 4, filmsInAll: 8, loss: 1 });
    const metrics = [{ epoch: 1, loss: 1, dice: 0.4, validationDice: 0.5, seconds: 1 }];
    await watcher.onEpoch(metrics);`;
  const [training] = await run([start]);
  const [bar, curve, lines, ...others] = training!.outputs;
  assertEquals(others, []);
  assert(bar?.output_type === "display_data" && curve?.output_type === "display_data");
  assertMatch(
    textOf(bar.data["text/plain"]),
    /^training 4\/8 films \(50%\), \d+\.\d GiB, epoch 1\/2/,
  );
  const title = "Epoch 1 of 2: best validation dice 0.500 in epoch 1";
  assertEquals(textOf(curve.data["text/plain"]), `[chart] ${title}`);
  assertEquals(String(curve.data["image/png"]).slice(0, 8), btoa("\x89PNG\r\n").slice(0, 8));
  assert(lines?.output_type === "stream");

  const [ended] = await run([`${start}
    await watcher.onEpoch([...metrics, { ...metrics[0], epoch: 2, validationDice: 0.75 }]);
    await watcher.onEnd({ metrics: [...metrics, { ...metrics[0], epoch: 2, validationDice: 0.75 }] });`]);
  const left = ended!.outputs[1];
  assert(left?.output_type === "display_data");
  assertEquals(left.data, { "text/plain": ["2 epochs: best validation dice 0.750 in epoch 2"] });
});

Deno.test("a notebook's displays carry what its readers need", async () => {
  const lineRows = (count: number) =>
    `Array.from({ length: ${count} }, (_, x) => ({ x, y: x, series: "train" }))`;
  const options = `{ title: "It rises", x: "Epoch", y: "Loss" }`;
  const cells = await run([
    `import { markdown, Progress, showChart, showImage, table } from "@/notebook/mod.ts";
     import { filmGrid, lines } from "@/plots/mod.ts";`,
    `await showChart(lines(${lineRows(5)}, ${options}));`,
    `await showChart(lines(${lineRows(5000)}, ${options}), { title: "many points" });`,
    `const films = [{ grey: new Uint8Array(64), caption: "black" }];
     await showImage(await filmGrid(films, { tile: 32 }), { width: 26, text: "a black film" });`,
    `await table([{ fold: 0, dice: 0.81234 }, { fold: 1, dice: null }]);`,
    `await markdown("**bold**");`,
    `const progress = new Progress(3, { label: "train" });
     for (let step = 1; step <= 3; step++) {
       await new Promise((done) => setTimeout(done, 120));
       await progress.update(step, "loss " + 1 / step);
     }
     await progress.finish();`,
  ]);
  assertEquals(cells[0]?.outputs, []);

  const chart = displayOf(cells[1]);
  assertEquals(textOf(chart.data["text/plain"]), "[chart] It rises");
  const png = Uint8Array.fromBase64(String(chart.data["image/png"]));
  assertEquals(png.subarray(0, 8).toHex(), "89504e470d0a1a0a");
  const { width, height } = chart.metadata["image/png"] as { width: number; height: number };
  const header = new DataView(png.buffer, 16, 8); // IHDR
  assertEquals([header.getUint32(0), header.getUint32(4)], [2 * width, 2 * height]);
  const live = chart.data["application/vnd.vegalite.v5+json"] as Record<string, unknown>;
  assertEquals(live["$schema"], "https://vega.github.io/schema/vega-lite/v5.json");
  assertEquals((live["config"] as Record<string, unknown>)["font"], "DejaVu Sans");

  const large = displayOf(cells[2]);
  assertEquals(Object.keys(large.data).sort(), ["image/png", "text/plain"]);
  assertEquals(textOf(large.data["text/plain"]), "[chart] many points");

  const image = displayOf(cells[3]);
  assertEquals(textOf(image.data["text/plain"]), "[image] a black film");
  assertEquals(image.metadata["image/jpeg"], { width: 26 });

  assertMatch(textOf(displayOf(cells[4]).data["text/html"]), /<td align="right">0.8123<\/td>/);
  assertEquals(textOf(displayOf(cells[5]).data["text/markdown"]), "**bold**");

  const bar = displayOf(cells[6]);
  assertMatch(
    textOf(bar.data["text/plain"]),
    /^train 3\/3 steps \(100%\), [\d.]+ steps\/s, took 0\.\d s, loss 0\.333/,
  );
  assertMatch(textOf(bar.data["text/html"]), /<progress value="3" max="3">/);
});
