import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "node:path";
import { ExperimentError, listExperiments, loadExperiment } from "@/experiments/mod.ts";

const minimal = `name: try/one
data:
  size: 64
training:
  epochs: 2
  batch: 4
`;

/** Writes files into a new experiments folder, which is removed at the end. */
async function withFolder(
  files: Record<string, string>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(join(folder, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(folder, path), text);
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("listExperiments() names the shipped chains", async () => {
  const chains = (await listExperiments()).filter((name) => !name.startsWith("ablation/"));
  assertEquals(chains, [
    "own/1-128",
    "phantom/1-128",
    "phantom/2-192",
    "phantom/3-192-focal-swa",
    "phantom/4-256",
    "phantom/5-256-swa",
    "siim/1-256",
    "siim/2-512",
    "siim/3-512-focal-swa",
    "siim/4-768",
    "siim/5-768-swa",
  ]);
});

Deno.test("listExperiments() leaves run records out", async () => {
  await withFolder({ "a.yaml": "", "b/c.yaml": "", "runs/x/run.yaml": "" }, async (folder) => {
    assertEquals(await listExperiments(folder), ["a", "b/c"]);
  });
});

Deno.test("loadExperiment() loads every shipped file, quick or not, and each opens with its command", async () => {
  for (const name of await listExperiments()) {
    const experiment = await loadExperiment(name, { quick: false });
    assertEquals([experiment.name, experiment.quick], [name, false]);
    const quick = await loadExperiment(name, { quick: true });
    assertEquals([quick.quick, quick.training.epochs], [true, 1]);
    assert(quick.data.limit?.train !== undefined);
    const text = await Deno.readTextFile(
      new URL(`../../experiments/${name}.yaml`, import.meta.url),
    );
    assertMatch(
      text,
      new RegExp(`^# Command:  deno task train ${name}\n# Runtime:  .+\n[^]*# Result:   `),
    );
  }
});

Deno.test("loadExperiment() gives the published sessions", async () => {
  // name, parent, px, epochs, batch, accumulation, loss, rate, first averaged epoch
  const sessions = [
    ["siim/1-256", undefined, 256, 75, 16, 1, { bce: 1, dice: 1 }, 1e-3, undefined],
    ["siim/2-512", "siim/1-256", 512, 50, 4, 8, { dice: 1 }, 1e-3, undefined],
    ["siim/3-512-focal-swa", "siim/2-512", 512, 10, 4, 8, { focal: 1 }, 1e-4, 8],
    ["siim/4-768", "siim/3-512-focal-swa", 768, 45, 2, 12, { dice: 1 }, 5e-4, undefined],
    ["siim/5-768-swa", "siim/4-768", 768, 19, 2, 12, { dice: 1 }, 1e-5, 8],
  ] as const;
  for (const [name, parent, size, epochs, batch, accumulation, loss, rate, start] of sessions) {
    const { data, model, training, ...rest } = await loadExperiment(name, { quick: false });
    assertEquals<unknown>(
      [rest.parent, data.size, training.epochs, training.batch, training.accumulation],
      [parent, size, epochs, batch, accumulation],
    );
    assertEquals<unknown>(training.loss, loss);
    assertEquals<unknown>(training.learningRate, {
      schedule: "cosine",
      initial: rate,
      final: 0,
      warmupEpochs: 0,
    });
    assertEquals<unknown>(training.swa?.startEpoch, start);
    assertEquals([model.encoder, model.dropout, model.startFilters], ["efficientnet-b4", 0.5, 8]);
    assertEquals(rest.postprocessing, {
      rule: "threshold",
      flip: true,
      threshold: 0.5,
      minimumArea: 2000,
    });
  }
});

Deno.test("loadExperiment() fills in every default", async () => {
  await withFolder({ "try/one.yaml": minimal }, async (folder) => {
    assertEquals<unknown>(await loadExperiment("try/one", { folder, quick: false }), {
      name: "try/one",
      description: "",
      seed: 0,
      data: {
        size: 64,
        contrast: { kind: "percentile", low: 0.5, high: 99.5 },
        split: { kind: "stratified", validation: 0.15, groupByPatient: true, seed: 0 },
      },
      model: {
        architecture: "simplified-unet++",
        encoder: "efficientnet-b4",
        startFilters: 8,
        deepSupervision: false,
        dropout: 0.5,
        prior: 0.01,
        batchNormMomentum: 0.99,
      },
      parentCheckpoint: "final",
      training: {
        epochs: 2,
        batch: 4,
        accumulation: 1,
        loss: { bce: 1, dice: 1 },
        lossOptions: { focal: { gamma: 2 } },
        optimizer: { kind: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
        learningRate: { schedule: "cosine", initial: 1e-3, final: 0, warmupEpochs: 0 },
        checkpointMinutes: 15,
        precision: "float32",
      },
      augmentation: {},
      validation: { batch: 8, threshold: 0.5, everyEpochs: 1 },
      postprocessing: { rule: "threshold", flip: true, threshold: 0.5, minimumArea: 2000 },
      quick: false,
    });
  });
});

Deno.test("loadExperiment() takes the split's seed from the experiment unless it has its own", async () => {
  const files = {
    "a.yaml": "name: a\nseed: 7\ndata: { size: 64 }\ntraining: { epochs: 1, batch: 1 }\n",
    "b.yaml":
      "name: b\nseed: 7\ndata: { size: 64, split: { seed: 3 } }\ntraining: { epochs: 1, batch: 1 }\n",
  };
  await withFolder(files, async (folder) => {
    assertEquals((await loadExperiment("a", { folder })).data.split.seed, 7);
    assertEquals((await loadExperiment("b", { folder })).data.split.seed, 3);
  });
});

Deno.test("loadExperiment() takes a path as well as a name, in any experiments folder", async () => {
  const shipped = new URL("../../experiments/phantom/1-128.yaml", import.meta.url).pathname;
  assertEquals((await loadExperiment(shipped)).name, "phantom/1-128");
  await withFolder({ "try/one.yaml": minimal }, async (folder) => {
    assertEquals((await loadExperiment(join(folder, "try/one.yaml"))).name, "try/one");
    await assertRejects(
      () => loadExperiment(join(folder, "try/none.yaml")),
      ExperimentError,
      "try/none.yaml: there is no such file",
    );
    await Deno.rename(join(folder, "try/one.yaml"), join(folder, "try/two.yaml"));
    await assertRejects(
      () => loadExperiment(join(folder, "try/two.yaml")),
      ExperimentError,
      `must be the file's path without .yaml, such as two: current value is "try/one"`,
    );
  });
});

Deno.test("loadExperiment() merges the quick fields only when asked to, by option or environment", async () => {
  const text = minimal + `  swa: { startEpoch: 2 }
  loss: { dice: 1 }
quick:
  training: { epochs: 1, swa: null }
  data: { limit: { train: 8 } }
`;
  await withFolder({ "try/one.yaml": text }, async (folder) => {
    const usual = await loadExperiment("try/one", { folder, quick: false });
    assertEquals([usual.training.epochs, usual.training.swa?.startEpoch], [2, 2]);
    const quick = await loadExperiment("try/one", { folder, quick: true });
    assertEquals([quick.training.epochs, quick.training.swa], [1, undefined]);
    assertEquals<unknown>([quick.data.limit, quick.data.size], [{ train: 8 }, 64]);
    assertEquals([quick.training.batch, quick.training.loss.bce], [4, undefined]);
    const before = Deno.env.get("PNEUMOTHORAX_QUICK");
    Deno.env.set("PNEUMOTHORAX_QUICK", "1");
    try {
      assertEquals((await loadExperiment("try/one", { folder })).quick, true);
    } finally {
      if (before === undefined) Deno.env.delete("PNEUMOTHORAX_QUICK");
      else Deno.env.set("PNEUMOTHORAX_QUICK", before);
    }
  });
});

// each: what is changed in the minimal file, and the line, path and message that come of it
const badFiles: [what: string, change: (text: string) => string, problem: string][] = [
  [
    "unknown key at the root",
    (text) => text + "sede: 3\n",
    `:7: sede: unknown key, did you mean "seed"? (known keys: name, description, seed, data, `,
  ],
  [
    "unknown key in a mapping",
    (text) => text + "  epoch: 3\n",
    `:7: training.epoch: unknown key, did you mean "epochs"? (known keys: epochs, batch,`,
  ],
  [
    "unknown key like none of the known",
    (text) => text + "  xyzzy: 1\n",
    ":7: training.xyzzy: unknown key (known keys: epochs, batch,",
  ],
  [
    "key of another kind",
    (text) => text + "postprocessing: { rule: triplet, minimumArea: 1 }\n",
    ':7: postprocessing.minimumArea: unknown key, did you mean "minimumRegion"? (known keys: rule,',
  ],
  [
    "augmentation that is not known yet",
    (text) => text + "augmentation: { shear: { probability: 0.5 } }\n",
    ":7: augmentation.shear: unknown key (known keys: horizontalFlip, clahe,",
  ],
  [
    "loss that is not known yet",
    (text) => text + "  loss: { dice: 1, jaccard: 1 }\n",
    ":7: training.loss.jaccard: unknown key (known keys: bce, dice, focal, lovasz, symmetricLovasz)",
  ],
  [
    "missing field",
    (text) => text.replace("  batch: 4\n", ""),
    ":4: training.batch: must be a whole number >= 1: it is missing",
  ],
  [
    "text for a number",
    (text) => text.replace("epochs: 2", `epochs: "2"`),
    `:5: training.epochs: must be a whole number >= 1: current value is "2"`,
  ],
  [
    "fraction for a whole number",
    (text) => text.replace("epochs: 2", "epochs: 2.5"),
    ":5: training.epochs: must be a whole number >= 1: current value is 2.5",
  ],
  [
    "nothing for a number",
    (text) => text.replace("epochs: 2", "epochs:"),
    ":5: training.epochs: must be a whole number >= 1: current value is null",
  ],
  [
    "yes for true",
    (text) => text + "postprocessing: { flip: yes }\n",
    `:7: postprocessing.flip: must be true or false: current value is "yes"`,
  ],
  [
    "not a number",
    (text) => text + "model: { dropout: .nan }\n",
    ":7: model.dropout: must be a number >= 0 and < 1: current value is NaN",
  ],
  [
    "infinity",
    (text) => text + "  learningRate: { initial: .inf }\n",
    ":7: training.learningRate.initial: must be a number > 0: current value is Infinity",
  ],
  [
    "list for a mapping",
    (text) => text + "validation: [8]\n",
    ":7: validation: must be a mapping of batch, threshold, everyEpochs: current value is [8]",
  ],
  [
    "size that is no multiple of 32",
    (text) => text.replace("64", "100"),
    ":3: data.size: must be a whole number >= 32 and a multiple of 32: current value is 100",
  ],
  [
    "share above 1",
    (text) => text + "validation: { threshold: 1.5 }\n",
    ":7: validation.threshold: must be a number >= 0 and <= 1: current value is 1.5",
  ],
  [
    "unknown encoder",
    (text) => text + "model: { encoder: vgg16 }\n",
    ":7: model.encoder: must be one of efficientnet-b0, efficientnet-b1,",
  ],
  [
    "deep supervision of another architecture",
    (text) => text + "model: { architecture: unet, deepSupervision: true }\n",
    ":7: model.deepSupervision: must be false unless the architecture is unet++: current value is true",
  ],
  [
    "unknown kind",
    (text) => text + "postprocessing: { rule: otsu }\n",
    `:7: postprocessing.rule: must be one of threshold, triplet: current value is "otsu"`,
  ],
  [
    "no loss at all",
    (text) => text + "  loss: { bce: 0 }\n",
    `:7: training.loss: must give at least one loss a weight above 0: current value is {"bce":0}`,
  ],
  [
    "neither number nor mapping",
    (text) => text + "  positiveShare: half\n",
    ":7: training.positiveShare: must be a number >= 0 and <= 1, or a mapping of from, to: " +
    `current value is "half"`,
  ],
  [
    "unknown key where number or mapping may stand",
    (text) => text + "  positiveShare: { from: 0.8, to: 0.5, too: 0.2 }\n",
    `:7: training.positiveShare.too: unknown key, did you mean "to"? (known keys: from, to)`,
  ],
  [
    "averaging after the end",
    (text) => text + "  swa: { startEpoch: 3 }\n",
    ":7: training.swa.startEpoch: must be at most training.epochs: current value is 3",
  ],
  [
    "mixed precision under XLA",
    (text) => text + "  mixedPrecision: float16\n  xla: true\n",
    ":8: training.xla: must be false with mixedPrecision, which TensorFlow does not bring into XLA: " +
    "current value is true",
  ],
  [
    "bfloat16 on a GPU",
    (text) => text + "  mixedPrecision: bfloat16\n  device: gpu\n",
    `:7: training.mixedPrecision: must be float16 on a gpu: current value is "bfloat16"`,
  ],
  [
    "the name of a format that is none",
    (text) => text + "  mixedPrecision: float32\n",
    `:7: training.mixedPrecision: must be one of float16, bfloat16: current value is "float32"`,
  ],
  [
    "warm-up as long as the stage",
    (text) => text + "  learningRate: { warmupEpochs: 2 }\n",
    ":7: training.learningRate.warmupEpochs: must be below training.epochs: current value is 2",
  ],
  [
    "rising cosine",
    (text) => text + "  learningRate: { initial: 0.1, final: 0.2 }\n",
    ":7: training.learningRate.final: must be at most initial: current value is 0.2",
  ],
  [
    "rising cosine with restarts",
    (text) => text + "  learningRate: { schedule: cosine-restarts, cycleEpochs: 1, final: 1 }\n",
    ":7: training.learningRate.final: must be at most initial: current value is 1",
  ],
  [
    "averaging over cycles that are not there",
    (text) => text + "  swa: { startEpoch: 1, each: cycle }\n",
    ":7: training.swa.each: must be epoch unless training.learningRate.schedule is " +
    `cosine-restarts: current value is "cycle"`,
  ],
  [
    "final average that is not made",
    (text) => text + "  final: best-k\n",
    `:7: training.final: must be an average that this stage makes: current value is "best-k"`,
  ],
  [
    "unknown optimizer",
    (text) => text + "  optimizer: { kind: lion }\n",
    `:7: training.optimizer.kind: must be one of adam, adamw, sgd: current value is "lion"`,
  ],
  [
    "option of another optimizer",
    (text) => text + "  optimizer: { kind: adam, momentum: 0.9 }\n",
    ":7: training.optimizer.momentum: unknown key (known keys: kind, beta1, beta2, epsilon)",
  ],
  [
    "clipping that is not said how",
    (text) => text + "  gradientClipping: { limit: 1 }\n",
    ":7: training.gradientClipping.by: must be one of global-norm, value: it is missing",
  ],
  [
    "unknown option of a loss",
    (text) => text + "  lossOptions: { lovasz: { per: film } }\n",
    `:7: training.lossOptions.lovasz.per: must be one of batch, image: current value is "film"`,
  ],
  [
    "range of the wrong length",
    (text) => text + "augmentation: { crop: { probability: 1, zoom: [0.5] } }\n",
    ":7: augmentation.crop.zoom: must be a list of 2 items, each a number >= 0.1 and <= 1: " +
    "current value is [0.5]",
  ],
  [
    "falling range",
    (text) => text + "augmentation: { gamma: { probability: 1, range: [2, 1] } }\n",
    ":7: augmentation.gamma.range: must rise from low to high: current value is [2,1]",
  ],
  [
    "item out of range",
    (text) => text + "augmentation: { gamma: { probability: 1, range: [1, 99] } }\n",
    ":7: augmentation.gamma.range.1: must be a number >= 0.1 and <= 10: current value is 99",
  ],
  [
    "falling percentiles",
    (text) => text.replace("64", "64\n  contrast: { kind: percentile, low: 50, high: 50 }"),
    ":4: data.contrast.high: must be above low: current value is 50",
  ],
  [
    "fold that does not exist",
    (text) => text.replace("64", "64\n  split: { kind: folds, folds: 3, fold: 3 }"),
    ":4: data.split.fold: must be below folds: current value is 3",
  ],
  [
    "bottom above top",
    (text) => text + "postprocessing: { rule: triplet, top: 0.2 }\n",
    ":7: postprocessing.bottom: must be at most top: its default is in use",
  ],
  [
    "name that is not the file's",
    (text) => text.replace("try/one", "try/two"),
    `:1: name: must be the file's path without .yaml, try/one: current value is "try/two"`,
  ],
  [
    "name that is no path",
    (text) => text.replace("try/one", "../Try One"),
    ":1: name: must be lower-case letters, digits, '-' and '.', in folders parted by '/'",
  ],
  [
    "key that stands twice",
    (text) => text + "  batch: 8\n",
    `:7: the key "batch" stands here twice`,
  ],
  [
    "YAML that does not parse",
    (text) => text + "seed: [1\n",
    ":8: cannot be parsed as YAML: Flow sequence in block collection must be sufficiently",
  ],
  [
    "reference to nothing",
    (text) => text + "seed: *other\n",
    "one.yaml: cannot be parsed as YAML: Unresolved alias",
  ],
  [
    "references that would become millions of values",
    (text) =>
      text + Array.from(
        { length: 9 },
        (_, i) => `b${i}: &b${i} [${Array(9).fill(i === 0 ? "x" : `*b${i - 1}`)}]\n`,
      ).join(""),
    "one.yaml: cannot be parsed as YAML: Excessive alias count",
  ],
  ["file of a megabyte", (text) => text + "#".repeat(2 ** 20), "bytes, more than 1048576"],
  ["empty file", () => "# nothing\n", "one.yaml: the file is empty"],
  [
    "its own parent",
    (text) => text + "parent: try/one\n",
    `:7: parent: must be another experiment: current value is "try/one"`,
  ],
  [
    "parent that does not exist",
    (text) => text + "parent: try/onee\n",
    `one.yaml: parent: there is no such experiment, did you mean "try/one"? (known experiments: ` +
    `try/one): current value is "try/onee"`,
  ],
  [
    "pretrained weights that would not be used",
    (text) => text + "parent: try/two\nmodel: { weights: x.h5 }\n",
    ":8: model.weights: must be left out where there is a parent, whose weights are used: " +
    `current value is "x.h5"`,
  ],
  [
    "quick fields that are wrong",
    (text) => text + "quick: { training: { epoch: 1 } }\n",
    `:7: quick.training.epoch: unknown key, did you mean "epochs"?`,
  ],
  [
    "quick fields that do not fit the others",
    (text) => text + "  swa: { startEpoch: 2 }\nquick: { training: { epochs: 1 } }\n",
    ":8: quick.training.swa.startEpoch: must be at most training.epochs: current value is 2",
  ],
];

for (const [what, change, problem] of badFiles) {
  Deno.test(`loadExperiment() rejects ${what}`, async () => {
    const text = change(minimal);
    assert(text !== minimal, "the change must change something");
    await withFolder({ "try/one.yaml": text }, async (folder) => {
      const error = await assertRejects(
        () => loadExperiment("try/one", { folder, quick: false }),
        ExperimentError,
        "has 1 problem:",
      );
      assertStringIncludes(error.message, problem);
    });
  });
}

Deno.test("loadExperiment() lists all problems at once", async () => {
  const text = `name: try/two
sede: 1
data: { size: 100, limit: { train: 0 } }
model: { encoder: efficientnet-b9 }
model: { dropout: 2 }
training: { epochs: 1 }
`;
  await withFolder({ "try/one.yaml": text }, async (folder) => {
    const error = await assertRejects(
      () => loadExperiment("try/one", { folder }),
      ExperimentError,
      "has 6 problems:",
    );
    const { problems } = error as ExperimentError;
    assertEquals(problems.map(({ line, path }) => [line, path]), [
      [2, "sede"],
      [3, "data.size"],
      [3, "data.limit.train"],
      [4, "model.dropout"],
      [5, ""],
      [6, "training.batch"],
    ]);
  });
});

Deno.test("loadExperiment() names the nearest of the known experiments", async () => {
  await assertRejects(
    () => loadExperiment("phantom/1-129"),
    ExperimentError,
    `there is no such experiment, did you mean "phantom/1-128"? (known experiments: ablation/baseline,`,
  );
});

Deno.test("loadExperiment() rejects a parent with another network or another split", async () => {
  const child = minimal.replace("one", "two") + "parent: try/one\n";
  const files = { "try/one.yaml": minimal, "try/two.yaml": child };
  await withFolder(files, async (folder) => {
    assertEquals((await loadExperiment("try/two", { folder })).parent, "try/one");
    await Deno.writeTextFile(
      join(folder, "try/two.yaml"),
      child + "seed: 1\nmodel: { encoder: efficientnet-b0 }\n",
    );
    const error = await assertRejects(
      () => loadExperiment("try/two", { folder }),
      ExperimentError,
      `model.encoder: must be that of the parent try/one, "efficientnet-b4": current value is ` +
        `"efficientnet-b0"`,
    );
    assertStringIncludes(error.message, "data.split: must be that of the parent try/one");
  });
});

Deno.test("loadExperiment() rejects a chain that leads back to itself", async () => {
  const files = {
    "try/one.yaml": minimal + "parent: try/two\n",
    "try/two.yaml": minimal.replace("one", "two") + "parent: try/one\n",
  };
  await withFolder(files, async (folder) => {
    await assertRejects(
      () => loadExperiment("try/one", { folder }),
      ExperimentError,
      "must not lead back to itself: try/one -> try/two -> try/one",
    );
  });
});

Deno.test("loadExperiment() applies overrides", async () => {
  const experiment = await loadExperiment("phantom/2-192", {
    quick: false,
    overrides: ["training.epochs=3", "data.split.seed=9"],
  });
  assertEquals([experiment.training.epochs, experiment.data.split.seed], [3, 9]);
});

Deno.test("loadExperiment() takes every kind of schedule, optimizer, loss and average", async () => {
  const text = `${minimal}  loss: { bce: 3, dice: 1, focal: 4, lovasz: 0.5, symmetricLovasz: 0.1 }
  lossOptions: { dice: { per: image }, lovasz: { per: batch, positiveWeight: 2 } }
  optimizer: { kind: sgd, momentum: 0.9, nesterov: true }
  gradientClipping: { by: global-norm, limit: 1 }
  learningRate: { schedule: cosine-restarts, cycleEpochs: 1, cycleFactor: 2 }
  swa: { startEpoch: 1, each: cycle }
  ema: {}
  bestK: { count: 2 }
  final: best-k
  earlyStopping: { metric: loss }
model: { normalization: frozen-batch }
`;
  await withFolder({ "try/one.yaml": text }, async (folder) => {
    const { training, model } = await loadExperiment("try/one", { folder, quick: false });
    assertEquals(model.normalization, "frozen-batch");
    assertEquals<unknown>(training.lossOptions, {
      dice: { per: "image", smooth: 1 },
      focal: { gamma: 2 },
      lovasz: { per: "batch", positiveWeight: 2 },
    });
    assertEquals<unknown>(training.learningRate, {
      schedule: "cosine-restarts",
      initial: 1e-3,
      final: 0,
      warmupEpochs: 0,
      cycleEpochs: 1,
      cycleFactor: 2,
    });
    assertEquals<unknown>([training.ema, training.bestK, training.earlyStopping], [
      { decay: 0.999 },
      { count: 2 },
      { metric: "loss", patience: 10, minimumChange: 0 },
    ]);
  });
});

Deno.test("parentMismatches() lets frozen-batch go on from batch, and not group", async () => {
  const variant = (name: string, normalization: string) =>
    `name: ${name}\ndata: { size: 64 }\nmodel: { normalization: ${normalization} }\n` +
    "training: { epochs: 1, batch: 1 }\n";
  const files = {
    "batch.yaml": variant("batch", "batch"),
    "frozen.yaml": variant("frozen", "frozen-batch") + "parent: batch\n",
    "group.yaml": variant("group", "group") + "parent: batch\n",
  };
  await withFolder(files, async (folder) => {
    assertEquals((await loadExperiment("frozen", { folder, quick: false })).parent, "batch");
    await assertRejects(
      () => loadExperiment("group", { folder, quick: false }),
      ExperimentError,
      `model.normalization: must be that of the parent batch, "batch": current value is "group"`,
    );
  });
});
