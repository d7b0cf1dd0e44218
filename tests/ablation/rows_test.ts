import { assertEquals } from "@std/assert";
import { ABLATION } from "@/ablation/mod.ts";
import { listExperiments, loadExperiment } from "@/experiments/mod.ts";

const USED = new Set(ABLATION.flatMap(({ members }) => members.map((m) => m.experiment)));

Deno.test("every experiment of the folder has a row, and every row its experiments", async () => {
  const names = (await listExperiments()).filter((name) => name.startsWith("ablation/"));
  assertEquals([...USED].map((name) => `ablation/${name}`).sort(), names);
});

Deno.test("no row stands twice in a group", () => {
  const names = ABLATION.map(({ group, name }) => `${group} ${name}`);
  assertEquals(new Set(names).size, names.length);
});

Deno.test("each experiment changes one thing of the baseline: the network or the loss", async () => {
  const load = (name: string) => loadExperiment(`ablation/${name}`, { quick: false });
  const baseline = await load("baseline");
  // Averages are made beside the weights that are trained, and leave those alone.
  const { swa: _swa, ema: _ema, bestK: _bestK, ...training } = baseline.training;
  for (const name of USED) {
    if (name === "baseline") continue;
    const other = await load(name);
    const network = JSON.stringify(other.model) !== JSON.stringify(baseline.model);
    const loss = JSON.stringify(other.training.loss) !== JSON.stringify(training.loss);
    assertEquals([network, loss].filter(Boolean).length, 1, name);
    assertEquals(
      {
        ...other,
        name: baseline.name,
        description: baseline.description,
        model: baseline.model,
        training: { ...other.training, loss: training.loss },
      },
      { ...baseline, training },
      name,
    );
  }
});
