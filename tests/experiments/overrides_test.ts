import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { applyOverrides, ExperimentError, loadExperiment } from "@/experiments/mod.ts";

const experiment = await loadExperiment("phantom/3-192-focal-swa", { quick: false });

Deno.test("applyOverrides() changes what it is told and nothing else", () => {
  const before = structuredClone(experiment);
  const changed = applyOverrides(experiment, [
    "training.epochs=7",
    "training.loss={bce: 3, dice: 1, focal: 4}",
    "augmentation.crop.zoom=[0.5, 0.75]",
    "training.positiveShare={from: 0.8, to: 0.22}",
    "description=an attempt",
  ]);
  assertEquals<unknown>(changed, {
    ...experiment,
    description: "an attempt",
    training: {
      ...experiment.training,
      epochs: 7,
      loss: { bce: 3, dice: 1, focal: 4 },
      positiveShare: { from: 0.8, to: 0.22 },
    },
    augmentation: { ...experiment.augmentation, crop: { probability: 0.3, zoom: [0.5, 0.75] } },
  });
  assertEquals(experiment, before);
});

Deno.test("applyOverrides() sets a field back with null", () => {
  const changed = applyOverrides(experiment, ["training.swa=null", "model.dropout=null"]);
  assertEquals([changed.training.swa, changed.model.dropout], [undefined, 0.5]);
});

Deno.test("applyOverrides() drops the fields that a new kind does not have", () => {
  const changed = applyOverrides(experiment, [
    "postprocessing.flip=false",
    "postprocessing.rule=triplet",
    "training.learningRate.schedule=constant",
    "data.split.kind=folds",
  ]);
  assertEquals<unknown>(changed.postprocessing, {
    rule: "triplet",
    flip: false,
    top: 0.75,
    area: 2000,
    bottom: 0.3,
  });
  assertEquals<unknown>(changed.training.learningRate, {
    schedule: "constant",
    initial: 1e-4,
    warmupEpochs: 0,
  });
  assertEquals<unknown>(changed.data.split, {
    kind: "folds",
    folds: 5,
    fold: 0,
    seed: 1,
  });
});

Deno.test("applyOverrides() lets the last of two settings win", () => {
  assertEquals(applyOverrides(experiment, ["seed=1", "seed=2"]).seed, 2);
});

const badSettings: [setting: string, problem: string][] = [
  [
    "training.epoch=3",
    `--set training.epoch=3: training.epoch: unknown key, did you mean "epochs"? (known keys:`,
  ],
  ["training.epochs=0", "training.epochs: must be a whole number >= 1: current value is 0"],
  ["training.epochs=null", "training.epochs: must be a whole number >= 1: it is missing"],
  ["training.epochs=1e999", "must be a whole number >= 1: current value is Infinity"],
  ["training.swa.startEpoch=9", "training.swa.startEpoch: must be at most training.epochs"],
  ["training.epochs", "must be a field's path, =, and a value, for example training.epochs=3"],
  ["=3", "must be a field's path, =, and a value"],
  ["training..epochs=3", "must be a field's path, =, and a value"],
  ["seed=[1", "the value is not YAML: Flow sequence must end with a ]"],
  ["seed=*x", "the value is not YAML: Unresolved alias"],
  ["name=other", "name cannot be changed"],
  ["quick=true", "quick cannot be changed"],
  ["__proto__.polluted=1", "__proto__: unknown key (known keys: name,"],
];

for (const [setting, problem] of badSettings) {
  Deno.test(`applyOverrides() rejects ${setting}`, () => {
    const error = assertThrows(() => applyOverrides(experiment, [setting]), ExperimentError);
    assertStringIncludes(error.message, `--set ${setting}: `);
    assertStringIncludes(error.message, problem);
    assertEquals(({} as { polluted?: number }).polluted, undefined);
  });
}
