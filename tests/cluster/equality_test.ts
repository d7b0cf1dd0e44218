import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import type { Run } from "@/experiments/mod.ts";
import { decodeSafetensors, type StoredTensor } from "@/files/mod.ts";
import type { StageProgram } from "./stage_program.ts";
import { type Outcome, train } from "./workers.ts";

/** Everything that must not depend on where a film is: windows, averages, random changes. */
const WHOLE: StageProgram = {
  training: 30,
  validation: 5,
  overrides: [
    "model={ architecture: unet, startFilters: 2, batchNormMomentum: 0.9 }",
    "training.epochs=3",
    "training.batch=6",
    "training.accumulation=2", // five batches: two windows of two, and one of one
    "training.swa={ startEpoch: 2 }",
    "training.ema={ decay: 0.8 }",
    "training.bestK={ count: 2 }",
    "training.gradientClipping={ by: global-norm, limit: 1 }",
    "augmentation.elastic={ probability: 0.5, alpha: [0.01, 0.02] }",
    "validation.batch=2", // three batches, so that some workers have more than others
  ],
};

type Precision = "float32" | "float64";

const OVERRIDES: Record<Precision, string[]> = {
  // A large epsilon: otherwise Adam makes whole steps of gradients that are nothing but rounding. The Lovász
  // hinge sorts, and rounding changes what is larger.
  float32: [
    "training.optimizer={ kind: adamw, epsilon: 1e-2 }",
    "training.loss={ bce: 1, dice: 1, focal: 1 }",
  ],
  float64: [
    "training.optimizer={ kind: adamw }",
    "training.loss={ bce: 1, dice: 1, focal: 1, lovasz: 1, symmetricLovasz: 1 }",
  ],
};

function programIn(precision: Precision): StageProgram {
  return { ...WHOLE, precision, overrides: [...WHOLE.overrides, ...OVERRIDES[precision]] };
}

/**
 * How far values may be apart, of 1 or of themselves. In float64 metrics differ by 1e-15; checkpoints are
 * read as float32. In float32, where an activation is nothing but rounding around zero, the slope of
 * LeakyReLU, and so a gradient and Adam's mean of it, hang on the order of a sum.
 */
const TOLERANCES: Record<Precision, { metrics: number; weights: number; optimizer: number }> = {
  float32: { metrics: 1e-6, weights: 5e-5, optimizer: 3e-4 },
  float64: { metrics: 1e-12, weights: 1e-6, optimizer: 1e-6 },
};

/** Each of these tests starts processes that load TensorFlow: all of them take minutes. */
const ALL = Deno.env.get("ALL_WORKERS") === "1";

type Tensors = Map<string, StoredTensor>;

async function tensorsOf(run: Run, runs: string): Promise<Record<string, Tensors>> {
  const all = Object.entries(run.checkpoints).map(async ([name, { file }]) => {
    const bytes = await Deno.readFile(join(runs, run.id, file));
    return [name, decodeSafetensors(bytes, file).tensors] as const;
  });
  return Object.fromEntries(await Promise.all(all));
}

async function withFolder<T>(test: (runs: string) => Promise<T>): Promise<T> {
  const runs = await Deno.makeTempDir();
  return await test(runs).finally(() => Deno.remove(runs, { recursive: true }));
}

/** The chief's run, where all have finished. */
function finished(outcomes: Outcome[]): Run {
  assertEquals(outcomes.map(({ code, stderr }) => [code, stderr]), outcomes.map(() => [0, ""]));
  return outcomes[0]!.run!;
}

const alone: Partial<Record<Precision, Promise<{ run: Run; tensors: Record<string, Tensors> }>>> =
  {};

/** What one worker makes of it; the first test that asks trains it. */
function aloneRun(precision: Precision) {
  return alone[precision] ??= withFolder(async (runs) => {
    const run = finished(await train(1, runs, programIn(precision)));
    return { run, tensors: await tensorsOf(run, runs) };
  });
}

function assertNear(actual: number, expected: number, tolerance: number, what: string): void {
  const isNear = Object.is(actual, expected) ||
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected));
  assert(isNear, `${what}: ${actual} instead of ${expected}`);
}

async function assertEqualsAlone(run: Run, runs: string, precision: Precision): Promise<void> {
  const expected = await aloneRun(precision);
  const tolerances = TOLERANCES[precision];
  for (const [i, { seconds: _, ...metrics }] of expected.run.metrics.entries()) {
    for (const [name, value] of Object.entries(metrics)) {
      assertNear(run.metrics[i]![name]!, value, tolerances.metrics, `${name} of epoch ${i + 1}`);
    }
  }
  const actual = await tensorsOf(run, runs);
  assertEquals(Object.keys(actual).sort(), Object.keys(expected.tensors).sort());
  for (const [checkpoint, tensors] of Object.entries(expected.tensors)) {
    for (const [name, { data }] of tensors) {
      const other = actual[checkpoint]!.get(name)!.data;
      const tolerance = tolerances[name.startsWith("optimizer/") ? "optimizer" : "weights"];
      for (let i = 0; i < data.length; i++) {
        assertNear(Number(other[i]), Number(data[i]), tolerance, `${checkpoint}/${name}[${i}]`);
      }
    }
  }
}

const CASES = [
  { workers: 2, precision: "float32", inSuite: true },
  { workers: 3, precision: "float32", inSuite: false },
  { workers: 2, precision: "float64", inSuite: false }, // below, two and then three train
  { workers: 3, precision: "float64", inSuite: false },
] as const;

for (const { workers, precision, inSuite } of CASES) {
  Deno.test({
    name:
      `trainStage() gives the losses and weights of one worker with ${workers}, in ${precision}`,
    ignore: !inSuite && !ALL,
    fn: () =>
      withFolder(async (runs) => {
        const run = finished(await train(workers, runs, programIn(precision)));
        assertEquals(run.workers, workers);
        await assertEqualsAlone(run, runs, precision);
      }),
  });
}

Deno.test("trainStage() stops all workers where one is asked to, and goes on with another number", async () => {
  await withFolder(async (runs) => {
    const precision = "float64";
    const signal = { name: "SIGINT", worker: 1, batch: 6 } as const; // the second epoch's first
    const stopped = await train(2, runs, { ...programIn(precision), signal });
    assertEquals(stopped.map(({ code }) => code), [130, 130]);
    for (const { stderr } of stopped) assertStringIncludes(stderr, "InterruptedError: Stopped");
    const run = finished(await train(3, runs, programIn(precision)));
    assertEquals([run.workers, run.resumed.map((resumed) => resumed.workers)], [2, [3]]);
    await assertEqualsAlone(run, runs, precision);
  });
});
