import { assertEquals } from "@std/assert";
import { applyOverrides, loadExperiment } from "@/experiments/mod.ts";
import { experimentChoices } from "@/notebook/mod.ts";

async function choicesOf(name: string, ...overrides: string[]): Promise<Record<string, string>> {
  const experiment = applyOverrides(await loadExperiment(name, { quick: false }), overrides);
  const choices = experimentChoices(experiment);
  return Object.fromEntries(choices.map(({ choice, value }) => [choice, value]));
}

Deno.test("experimentChoices() tells what an experiment chooses, defaults included", async () => {
  assertEquals(await choicesOf("siim/5-768-swa"), {
    "starts from": "final of siim/4-768",
    network: "simplified-unet++, efficientnet-b4, batch normalization",
    size: "768 x 768 px",
    epochs: "19",
    batch: "2 films, 12 batches to a step of the optimizer",
    loss: "1 dice",
    optimizer: "adam",
    "learning rate": "cosine from 0.00001",
    "films with pneumothorax": "as many as the data have",
    averages: "the epochs' weights from epoch 8 on",
  });
});

Deno.test("experimentChoices() tells other choices", async () => {
  const overrides: [setting: string, choice: string, value: string][] = [
    [
      "model.normalization=group",
      "network",
      "simplified-unet++, efficientnet-b4, group normalization",
    ],
    [
      "model.weights=data/weights/b4.safetensors",
      "starts from",
      "encoder weights of data/weights/b4.safetensors",
    ],
    ["training.batch=3", "batch", "3 films"],
    ["training.loss={bce: 3, dice: 1, focal: 4}", "loss", "3 bce + 1 dice + 4 focal"],
    ["training.optimizer={kind: sgd}", "optimizer", "sgd"],
    ["training.learningRate={schedule: plateau}", "learning rate", "plateau from 0.001"],
    [
      "training.positiveShare={from: 0.8, to: 0.22}",
      "films with pneumothorax",
      "80 % in the first epoch, 22 % in the last",
    ],
    ["training.positiveShare=0.5", "films with pneumothorax", "50 %"],
    ["training.bestK={count: 4}", "averages", "the 4 best epochs"],
    ["training.ema={decay: 0.99}", "averages", "moving, decay 0.99"],
  ];
  assertEquals((await choicesOf("siim/1-256"))["starts from"], "random weights");
  assertEquals((await choicesOf("siim/1-256"))["averages"], "none");
  for (const [setting, choice, value] of overrides) {
    assertEquals((await choicesOf("siim/1-256", setting))[choice], value, setting);
  }
});
