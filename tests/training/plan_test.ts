import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { planStage, planText } from "@/training/mod.ts";
import { memory } from "../tensorflow/assert_close.ts";
import { discExperiment, discs } from "./discs.ts";

const { split } = discs({ training: 22, validation: 5 });

Deno.test("planStage() counts films, batches and steps, the last window shorter", async () => {
  const experiment = await discExperiment("first", [
    "training.epochs=4",
    "training.batch=3",
    "training.accumulation=2",
    "training.learningRate={ schedule: cosine, initial: 0.01, final: 0.002 }",
  ]);
  const plan = await planStage(experiment, { split });
  // Seven batches of three, one film is left; three windows of two batches and one of one.
  assertEquals(plan.steps, { batches: 7, perEpoch: 4, total: 16 });
  assertEquals(plan.films, { training: 22, positives: 14, validation: 5, excluded: 0 });
  assertEquals(plan.learningRates.map(({ place }) => place), ["start", "quarter", "half", "end"]);
  // 0.002 + 0.008 (1 + cos(pi t)) / 2
  for (const [i, rate] of [0.01, 0.0088284271, 0.006, 0.002].entries()) {
    assertAlmostEquals(plan.learningRates[i]!.rate, rate, 1e-9);
  }
});

Deno.test("planStage() counts weights and slots, and more memory for more pixels", async () => {
  const before = memory();
  const [plain, gathered, larger] = [
    await planStage(await discExperiment("first", ["training.batch=2"]), { split }),
    await planStage(
      await discExperiment("first", [
        "training.batch=2",
        "training.accumulation=2",
        "training.swa={ startEpoch: 2 }",
      ]),
      { split },
    ),
    await planStage(
      await discExperiment("first", ["training.batch=2", "data.size=128"]),
      { split },
    ),
  ];
  const { all, trainable } = plain.parameters;
  assert(trainable < all && trainable > 0.9 * all);
  assertEquals(plain.memory.weights, 4 * all);
  assertEquals(plain.memory.training, 8 * trainable);
  assertEquals(gathered.memory.training, 16 * trainable);
  const { weights, training, step, total } = plain.memory;
  assertEquals(total, weights + training + step);
  // At least the gradients, and four times the pixels want up to four times the rest.
  assert(step > 4 * trainable, `${step}`);
  assert(larger.memory.step > 1.5 * step && larger.memory.step <= 4 * step);
  assertEquals(memory().numBytes, before.numBytes);
});

Deno.test("planStage() counts the copies of the weights that the experiment keeps", async () => {
  const copies = async (...settings: string[]) => {
    const experiment = await discExperiment("first", ["model.architecture=unet", ...settings]);
    const { memory, parameters } = await planStage(experiment, { split });
    return memory.training / 4 / parameters.trainable;
  };
  assertEquals(await copies("training.optimizer={ kind: sgd }"), 0);
  assertEquals(await copies("training.optimizer={ kind: sgd, momentum: 0.9 }"), 1);
  assertEquals(await copies("training.optimizer={ kind: adamw }"), 2);
  assertEquals(await copies("training.ema={}", "training.swa={ startEpoch: 1 }"), 4);
});

Deno.test("planText() tells optimizer, limits, normalization and gradient checkpointing", async () => {
  const lines = async (...overrides: string[]) => {
    const experiment = await discExperiment("first", overrides);
    return planText(await planStage(experiment, { split })).split("\n");
  };
  const plain = await lines();
  const optimizer = "  optimizer     adam: beta1 0.9, beta2 0.999, epsilon 1e-7";
  assert(plain.includes(optimizer), plain.join("\n"));
  const chosen = await lines(
    "training.optimizer={ kind: sgd, momentum: 0.9, nesterov: true }",
    "training.gradientClipping={ by: global-norm, limit: 1 }",
    "model.normalization=group",
    "model.gradientCheckpointing=true",
  );
  const limited = "  optimizer     sgd: momentum 0.9, nesterov true; " +
    "gradients limited to 1 by global-norm";
  assert(chosen.includes(limited), chosen.join("\n"));
  assertStringIncludes(
    chosen.join("\n"),
    "2 start filters, group normalization, gradient checkpointing: ",
  );
});

Deno.test("planStage() says where the weights come from", async () => {
  await using folder = await temporary();
  const options = { split, runs: folder.path };
  const first = await planStage(await discExperiment("first"), options);
  assertStringIncludes(first.start, "random");
  const second = await discExperiment("second");
  const missing = await planStage(second, options);
  const checkpoint = `checkpoint "${second.parentCheckpoint}"`;
  assertStringIncludes(missing.start, `first has no finished run with a ${checkpoint}`);
  const planned = await planStage(second, { ...options, earlier: ["first"] });
  assertEquals(planned.start, `${checkpoint} of first, trained before`);
});

Deno.test("planText() names what a user wants to know", async () => {
  const experiment = await discExperiment("first", ["training.batch=4"]);
  const text = planText(await planStage(experiment, { split }));
  for (
    const part of [
      "first\n",
      "parameters",
      "22 for training (14 positive), 5 for validation, 0 left out; 64 x 64 px",
      "2 epochs of 5 batches of 4: 10 steps",
      "at start, ",
      "memory        about ",
    ]
  ) {
    assertStringIncludes(text, part);
  }
  assert(text.split("\n").every((line) => line === line.trimEnd()));
  assertStringIncludes(text, "efficientnet-b0, 2 start filters");
  const unet = await discExperiment("first", ["model.architecture=unet"]);
  assertStringIncludes(
    planText(await planStage(unet, { split })),
    "unet, an encoder of its own, 2 start filters",
  );
});

async function temporary() {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
