import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { ExperimentError, loadExperiment } from "@/experiments/mod.ts";
import { crossJobs, foldJobs, readSweep } from "@/jobs/mod.ts";
import { withFolder } from "../data/small_dataset.ts";

const EXPERIMENT = await loadExperiment("phantom/1-128", { quick: false });

async function sweep(text: string): Promise<ReturnType<typeof readSweep>> {
  let jobs: Awaited<ReturnType<typeof readSweep>> = [];
  await withFolder(async (folder) => {
    const path = join(folder, "sweep.yaml");
    await Deno.writeTextFile(path, text);
    jobs = await readSweep(path, [EXPERIMENT]);
  });
  return jobs;
}

Deno.test("readSweep() makes a grid whose last field changes fastest", async () => {
  const jobs = await sweep(`
# two rates, two losses
training.learningRate.initial: [1e-3, 0.0003]
training.loss:
  - { bce: 1, dice: 1 }
  - focal: 1
`);
  assertEquals(
    jobs,
    [
      ["1e-3", "{ bce: 1, dice: 1 }"],
      ["1e-3", "{ focal: 1 }"],
      ["0.0003", "{ bce: 1, dice: 1 }"],
      ["0.0003", "{ focal: 1 }"],
    ].map(([rate, loss]) => ({
      label: `initial=${rate}, loss=${loss}`,
      overrides: [`training.learningRate.initial=${rate}`, `training.loss=${loss}`],
    })),
  );
});

Deno.test("readSweep() names fields by as many of their last names as tell them apart", async () => {
  const [job] = await sweep("training.batch: [2]\nvalidation.batch: [4]\nseed: [1]\n");
  assertEquals(job!.label, "training.batch=2, validation.batch=4, seed=1");
});

const REFUSED: [what: string, text: string, ...messages: string[]][] = [
  ["an unknown field", "seed: [1]\ntraining.epoch: [1, 2]\n", ":2", 'did you mean "epochs"?'],
  ["a wrong value, once", "seed: [1, 2]\ndata.size:\n  - 64\n  - 65\n", "1 problem", ":4", "32"],
  ["a value that is no list", "seed: 3\n", ":1", "must be a list of values", "3"],
  ["a reference", "seed: [&a 1]\nmodel.prior:\n  - *a\n", ":3", "*a. Write the value out"],
  ["an empty list", "seed: []\n", "must be a list of values"],
  ["a value that stands twice", "seed: [1, 2, 1]\n", "stands here twice: seed=1"],
  ["a field that stands twice", "seed: [1]\nseed: [2]\n", ":2", "twice"],
  ["a field within another", "data: [{ size: 64 }]\ndata.size: [64]\n", ":2", "within another"],
  ["what is not YAML", "seed: [1\n", "cannot be parsed as YAML"],
  ["a list", "- seed\n", "must be a mapping of fields"],
  ["an empty file", "", "must be a mapping of fields"],
  ["the name", "name: [a, b]\n", "name cannot be changed"],
  [
    "a combination that does not go together",
    "training.epochs: [1, 9]\ntraining.swa: [{ startEpoch: 5 }]\n",
    "1 problem",
    "must be at most training.epochs",
  ],
  [
    "too many combinations",
    `seed: [${Array.from({ length: 101 }, (_, i) => i)}]\n` +
    `training.epochs: [${Array.from({ length: 10 }, (_, i) => i + 1)}]\n`,
    "at most 1000 combinations: it has 1010",
  ],
];
for (const [what, text, ...messages] of REFUSED) {
  Deno.test(`readSweep() refuses ${what}`, async () => {
    const { message } = await assertRejects(() => sweep(text), ExperimentError);
    for (const part of messages) assertStringIncludes(message, part);
  });
}

Deno.test("foldJobs() holds out each fold once, and keeps the seed of the split", async () => {
  const jobs = foldJobs(3);
  assertEquals(jobs.map(({ label }) => label), ["fold=0", "fold=1", "fold=2"]);
  for (const [fold, { overrides }] of jobs.entries()) {
    const { data } = await loadExperiment("phantom/1-128", { overrides });
    assertEquals(data.split, { kind: "folds", folds: 3, fold, seed: 1 });
  }
  for (const folds of [0, 1, 2.5, 101, NaN]) {
    await assertRejects(() => Promise.resolve().then(() => foldJobs(folds)), RangeError);
  }
});

Deno.test("crossJobs() joins each with each", () => {
  const jobs = crossJobs([{ label: "a", overrides: ["x=1"] }, { label: "", overrides: [] }], [
    { label: "b", overrides: ["y=2"] },
  ]);
  assertEquals(jobs, [
    { label: "a, b", overrides: ["x=1", "y=2"] },
    { label: "b", overrides: ["y=2"] },
  ]);
});
