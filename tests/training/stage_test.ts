import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "node:path";
import { batches as batchesOf, type Film, type Prepared } from "@/data/mod.ts";
import { listRuns, readRun, type Run } from "@/experiments/mod.ts";
import { decodeSafetensors, sha256File } from "@/files/mod.ts";
import { createModel, normalizeImages } from "@/model/mod.ts";
import { StatelessRandom, tf } from "@/tensorflow/mod.ts";
import {
  batchTensors,
  CheckpointError,
  type StageData,
  type StageOptions,
  trainStage,
} from "@/training/mod.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";
import { discExperiment, discs } from "./discs.ts";

const DATA = discs({ training: 12, validation: 6 });

/** Runs of a stage and of what goes on from it are kept for the tests that follow. */
const RUNS = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(RUNS, { recursive: true }));

/** What a run's folder holds beside checkpoints. */
const LOGS = ["run.yaml", "history.csv", "events"];

function filesOf(run: Pick<Run, "id">, runs = RUNS): string[] {
  return [...Deno.readDirSync(join(runs, run.id))]
    .map(({ name }) => name.replace(/^events\.out\.tfevents\..*/, "events")).sort();
}

async function tensorsOf(run: Run, name: "last" | "swa" | "final", runs = RUNS) {
  const path = join(runs, run.id, run.checkpoints[name]!.file);
  return decodeSafetensors(await Deno.readFile(path), path).tensors;
}

/** Every checkpoint is there, is the one that the record says, and nothing else is. */
async function assertComplete(run: Run, runs = RUNS): Promise<void> {
  assertEquals(await readRun(run.id, runs), run);
  const files = Object.values(run.checkpoints).map(({ file }) => file);
  assertEquals(filesOf(run, runs), [...new Set([...files, ...LOGS])].sort());
  for (const [name, { file, sha256 }] of Object.entries(run.checkpoints)) {
    assertEquals(await sha256File(join(runs, run.id, file)), sha256, name);
  }
}

let parent: Promise<Run> | undefined;

/** The finished run that the tests look at or go on from; the first one that asks makes it. */
function parentRun(watch: StageOptions = {}): Promise<Run> {
  parent ??= discExperiment("first", [
    "training.epochs=6",
    "training.learningRate={ schedule: constant, initial: 1e-2 }",
    "model.dropout=0",
  ]).then((experiment) => trainStage(experiment, { data: DATA, runs: RUNS, ...watch }));
  return parent;
}

Deno.test("trainStage() learns, and leaves a complete record and no tensors", async () => {
  const before = memory();
  const tensors: number[] = [], handles: number[] = [];
  const batches: string[] = [], read: string[] = [];
  const readImage = (id: string) => {
    read.push(id);
    return DATA.prepared.readImage(id);
  };
  const prepared = { ...DATA.prepared, readImage } as unknown as Prepared;
  let started = "";
  const run = await parentRun({
    data: { ...DATA, prepared },
    onStart: ({ id, status }) => started = `${id} ${status}`,
    onBatch: ({ epoch, epochs, batch, batches: count, films, filmsInAll, loss }) => {
      assert(Number.isFinite(loss));
      batches.push(`${epoch}/${epochs} ${batch}/${count} ${films}/${filmsInAll}`);
    },
    onEpoch: () => {
      const { numTensors, handles: count } = memory();
      const checkpoints = filesOf({ id: started.split(" ")[0]! }).length - LOGS.length;
      assertLessOrEqual(checkpoints, 5); // the last two, and the best ones by loss, IoU and dice
      tensors.push(numTensors);
      handles.push(count);
    },
  });
  assertEquals(memory(), before);
  assertEquals(tensors, tensors.map(() => tensors[0]!));
  assertEquals(new Set(handles.slice(1)).size, 1, `handles ${handles}`);

  assertEquals(started, `${run.id} running`);
  assertEquals(batches.length, 18);
  assertEquals([batches[0], batches[4], batches[17]], [
    "1/6 1/3 4/72",
    "2/6 2/3 20/72",
    "6/6 3/3 72/72",
  ]);

  // An epoch goes through twelve films in its own order, half of them positive, then the others.
  const orders = Array.from({ length: 6 }, (_, epoch) => read.slice(18 * epoch, 18 * epoch + 12));
  assertEquals(new Set(orders.map((order) => order.join())).size, 6);
  const ids = (films: Film[]) => films.map(({ imageId }) => imageId);
  const { training, validation } = DATA.split;
  const positives = new Set(ids(training.filter(({ positive }) => positive)));
  for (const [epoch, order] of orders.entries()) {
    assert(order.every((id) => ids(training).includes(id)));
    assertEquals(order.filter((id) => positives.has(id)).length, 6);
    assertEquals(read.slice(18 * epoch + 12, 18 * epoch + 18), ids(validation));
  }

  const { metrics, checkpoints } = run;
  assertEquals(metrics.map(({ epoch }) => epoch), [1, 2, 3, 4, 5, 6]);
  const [first, last] = [metrics[0]!, metrics[5]!];
  assertLess(last.loss!, first.loss! - 0.1);
  assertLess(checkpoints["best-loss"]!.value!, first.validationLoss! - 0.1);
  assertGreater(last.dice!, 0.6);
  for (const epoch of metrics) {
    for (const [name, value] of Object.entries(epoch)) {
      // Nothing may be predicted at first; both classes are in the validation films.
      if (name !== "validationPrecision") assert(Number.isFinite(value), `${name}: ${value}`);
    }
    assertEquals(epoch.validationCount, 6);
    assertAlmostEquals(epoch.validationDiceAllEmpty!, 2 / 6);
  }
  assertEquals(metrics[5]!.learningRate, 1e-2);
  assertEquals(run.status, "finished");
  assertEquals(run.reason, null);
  assertEquals(run.parent, null);
  assertEquals(run.resumed, []);
  assertEquals(run.data, {
    root: "discs",
    hash: DATA.hash,
    films: { train: 12, validation: 6, test: 0 },
    excluded: [{ id: "disc-broken", reason: "made up" }],
  });
  assert(run.versions.tensorflow);

  assertEquals(
    Object.keys(checkpoints).sort(),
    ["best-dice", "best-iou", "best-loss", "final", "last"],
  );
  await assertComplete(run);
  // Each best one is that of the first epoch with the best value.
  const best = (name: string, better: (a: number, b: number) => boolean) =>
    metrics.reduce((best, epoch) => better(epoch[name]!, best[name]!) ? epoch : best);
  const chosen = [
    ["best-loss", best("validationLoss", (a, b) => a < b), "validationLoss"],
    ["best-dice", best("validationDice", (a, b) => a > b), "validationDice"],
    ["best-iou", best("validationIou", (a, b) => a > b), "validationIou"],
  ] as const;
  for (const [name, epoch, metric] of chosen) {
    assertEquals([checkpoints[name]!.epoch, checkpoints[name]!.value], [
      epoch.epoch,
      epoch[metric],
    ]);
  }
  assertEquals(checkpoints.final, checkpoints["best-dice"]);
  assertEquals(checkpoints.last!.epoch, 6);
});

Deno.test("trainStage() starts a child from its parent's weights, and leaves them as they are", async () => {
  const parent = await parentRun();
  // A learning rate of nothing and statistics that hardly move: the weights stay the parent's.
  const experiment = await discExperiment("second", [
    "parentCheckpoint=last",
    "training.epochs=1",
    "training.learningRate={ schedule: constant, initial: 1e-30 }",
    "model.batchNormMomentum=0.999999",
  ]);
  const child = await trainStage(experiment, { data: DATA, runs: RUNS });
  assertEquals(child.parent, {
    run: parent.id,
    checkpoint: "last",
    sha256: parent.checkpoints.last!.sha256,
  });
  const [ours, theirs] = [await tensorsOf(child, "last"), await tensorsOf(parent, "last")];
  const trainable = [...theirs].filter(([name]) =>
    name.startsWith("weights/") && !name.includes("/moving_")
  );
  assertGreater(trainable.length, 100);
  for (const [name, { data }] of trainable) assertEquals(ours.get(name)!.data, data, name);
  const [first, last] = [child.metrics[0]!, parent.metrics.at(-1)!];
  assertAlmostEquals(first.validationLoss!, last.validationLoss!, 1e-3);
  assertEquals(first.validationDice!.toFixed(2), last.validationDice!.toFixed(2));
  await assertComplete(child);
});

Deno.test("trainStage() refuses a child without its parent's run, or with a damaged one", async () => {
  const parent = await parentRun();
  const before = memory();
  const runs = await Deno.makeTempDir();
  const child = await discExperiment("second", ["training.epochs=1"]);
  const error = await assertRejects(
    () => trainStage(child, { data: DATA, runs }),
    CheckpointError,
    'Cannot start second as its parent first has no finished run with a checkpoint "final"',
  );
  assertStringIncludes(error.message, 'Run "deno task train first" first');

  // SWA was not asked for, so there is no such checkpoint.
  const swa = await discExperiment("second", ["parentCheckpoint=swa"]);
  const noSwa = () => trainStage(swa, { data: DATA, runs: RUNS });
  await assertRejects(noSwa, CheckpointError, 'no finished run with a checkpoint "swa"');

  const folder = join(runs, parent.id);
  await Deno.mkdir(folder);
  for (const name of filesOf(parent).filter((name) => name !== "events")) {
    await Deno.copyFile(join(RUNS, parent.id, name), join(folder, name));
  }
  const file = join(folder, parent.checkpoints.final!.file);
  const bytes = await Deno.readFile(file);
  bytes[bytes.length >> 1]! ^= 1;
  await Deno.writeFile(file, bytes);
  await assertRejects(
    () => trainStage(child, { data: DATA, runs }),
    CheckpointError,
    "its SHA-256 is not the one in the run's record",
  );
  // None of them got as far as a run of its own.
  assertEquals([...Deno.readDirSync(runs)].map(({ name }) => name), [parent.id]);
  await Deno.remove(runs, { recursive: true });
  assertEquals(memory(), before);
});

Deno.test("trainStage() fails with the reason when the loss is not finite, and frees everything", async () => {
  const before = memory();
  const experiment = await discExperiment("first", [
    "training.learningRate={ schedule: constant, initial: 1e30 }",
  ]);
  const runs = await Deno.makeTempDir();
  await assertRejects(
    () => trainStage(experiment, { data: DATA, runs }),
    RangeError,
    "Cannot go on training as the loss is not finite",
  );
  const [run] = (await listRuns({ runs })).runs;
  assertEquals(run!.status, "failed");
  assertStringIncludes(
    run!.reason!,
    "DivergenceError: Cannot go on training as the loss is not finite",
  );
  assertEquals(run!.metrics, []);
  await Deno.remove(runs, { recursive: true });
  assertEquals(memory(), before);
});

Deno.test("trainStage() divides a short window by its batches, and follows the schedule", async () => {
  const runs = await Deno.makeTempDir();
  // Three batches make one window, whether it could hold three or five.
  const [three, five] = await Array.fromAsync([3, 5], async (accumulation) => {
    const experiment = await discExperiment("first", [
      "training.epochs=1",
      `training.accumulation=${accumulation}`,
      "training.learningRate={ schedule: cosine, initial: 1e-3 }",
      "training.positiveShare=null",
      "training.swa={ startEpoch: 1 }",
      "augmentation=null",
    ]);
    return await trainStage(experiment, { data: DATA, runs });
  });
  assertEquals(five!.checkpoints.last, three!.checkpoints.last);
  assertEquals(five!.checkpoints.swa, three!.checkpoints.swa);

  // The one step of Adam changes each weight by the learning rate, as first steps do: that of the
  // third of three batches on the cosine, (1 + cos(120 degrees)) / 2 of 1e-3.
  const { experiment } = three!;
  const model = createModel({ ...experiment.model, seed: experiment.seed });
  const stepped = await tensorsOf(three!, "last", runs);
  const kernel = stepped.get("weights/output/kernel")!.data;
  for (const [i, before] of model.weights.get("output/kernel").dataSync().entries()) {
    assertAlmostEquals(Math.abs(kernel[i]! - before), 0.25e-3, 1e-6);
  }

  // The statistics of the average are those of all films: here, of the first convolution's output.
  const averaged = await tensorsOf(three!, "swa", runs);
  for (const [name, { data }] of averaged) {
    const weight = name.replace("weights/", "");
    tf.tidy(() =>
      model.weights.get(weight).assign(tf.tensor(data, model.weights.get(weight).shape))
    );
  }
  const films = DATA.split.training;
  const { value: batch } = await batchesOf(DATA.prepared, films, { batchSize: 12 }).next();
  tf.tidy(() => {
    const random = new StatelessRandom(tf.tensor1d([0, 0], "int32"));
    const forward = { training: true, random, momentum: tf.scalar(0) } as const;
    model.apply(normalizeImages(batchTensors(batch!).images), forward);
  });
  const name = "stem_bn/moving_mean";
  assertClose(averaged.get(`weights/${name}`)!.data, model.weights.get(name), 1e-5);
  model.dispose();
  await Deno.remove(runs, { recursive: true });
});

/** The films of a split of which one side has no pneumothorax. */
function onlyNegatives(side: "training" | "validation"): StageData {
  const films = DATA.split[side].map((film) => ({ ...film, positive: false }));
  return { ...DATA, split: { ...DATA.split, [side]: films } };
}

Deno.test("trainStage() refuses films and options that do not fit before it starts a run", async () => {
  const runs = await Deno.makeTempDir();
  const cases: [overrides: string[], data: StageData, message: string][] = [
    [["data.size=96"], DATA, "its films are to be 96 px, and those given are 64 px"],
    [["training.batch=13"], DATA, "its 12 training films do not fill a batch of 13"],
    [[], discs({ training: 12, validation: 0 }), "there are no films for validation"],
    [[], onlyNegatives("training"), "none of its 12 training films shows a pneumothorax"],
    [[], onlyNegatives("validation"), "none of its 6 validation films shows a pneumothorax"],
  ];
  for (const [overrides, data, message] of cases) {
    const experiment = await discExperiment("first", overrides);
    await assertRejects(() => trainStage(experiment, { data, runs }), RangeError, message);
  }
  assertEquals([...Deno.readDirSync(runs)], []);
  await Deno.remove(runs, { recursive: true });
});
