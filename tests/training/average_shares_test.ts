import { assertAlmostEquals, assertEquals } from "@std/assert";
import { type Experiment, loadExperiment } from "@/experiments/mod.ts";
import { applyOverrides } from "@/experiments/mod.ts";
import { type SegmentationModel, Weights } from "@/model/mod.ts";
import { tf } from "@/tensorflow/mod.ts";
import { averageShares, MovingAverage } from "@/training/mod.ts";

const METRICS = [0.2, 0.6, NaN, 0.7, 0.5].map((validationDice, i) => {
  return { epoch: i + 1, validationDice };
});

async function trainingOf(...overrides: string[]): Promise<Experiment["training"]> {
  const experiment = await loadExperiment("phantom/1-128", { quick: false });
  return applyOverrides(experiment, overrides).training;
}

Deno.test("averageShares() of whole epochs: the last, the ends of cycles, the best", async () => {
  const shares = async (average: string, ...overrides: string[]) => {
    const all = averageShares(await trainingOf(...overrides), METRICS, 4);
    return all.filter((share) => share.average === average).map(({ share }) => share);
  };
  assertEquals(await shares("swa", "training.swa={startEpoch: 4}"), [0, 0, 0, 0.5, 0.5]);
  const restarts = "training.learningRate={schedule: cosine-restarts, cycleEpochs: 2}";
  const cycles = "training.swa={startEpoch: 1, each: cycle}";
  assertEquals(await shares("swa", restarts, cycles), [0, 0.5, 0, 0.5, 0]);
  // An epoch without a dice cannot be among the best.
  assertEquals(await shares("best-k", "training.bestK={count: 2}"), [0, 0.5, 0, 0.5, 0]);
  assertEquals(await shares("swa"), []);
  assertEquals(averageShares(await trainingOf(), METRICS, 4), []);
});

Deno.test("averageShares() of the moving average are what MovingAverage does", async () => {
  const [steps, decay] = [4, 0.7];
  const training = await trainingOf(`training.ema={decay: ${decay}}`);
  const shares = averageShares(training, METRICS, steps);
  assertEquals(shares.map(({ average }) => average), METRICS.map(() => "ema"));

  // A weight that is 1 after the steps of one epoch, and 0 at all others, leaves the epoch's share.
  for (const { epoch, share } of shares) {
    const weights = new Weights(0);
    weights.create("weight", [1], "zeros");
    const model = { weights, dispose: () => weights.dispose() } as unknown as SegmentationModel;
    const average = new MovingAverage(model, decay);
    for (let step = 0; step < METRICS.length * steps; step++) {
      const value = Math.floor(step / steps) + 1 === epoch ? 1 : 0;
      tf.tidy(() => weights.get("weight").assign(tf.tensor1d([value])));
      average.update();
    }
    average.moveToModel();
    assertAlmostEquals(weights.get("weight").dataSync()[0]!, share, 1e-6);
    average.dispose();
    model.dispose();
  }
});
