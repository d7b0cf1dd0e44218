import { assertEquals, assertGreater, assertLess } from "@std/assert";
import type { Loss } from "@/losses/mod.ts";
import { binaryCrossEntropy } from "@/losses/mod.ts";
import type { SegmentationModel } from "@/model/mod.ts";
import { tf } from "@/tensorflow/mod.ts";
import {
  Adam,
  assignGroup,
  type Optimizer,
  readCheckpoint,
  type TrainingStep,
  trainingStep,
  writeCheckpoint,
} from "@/training/mod.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";
import { linearModel, normalised } from "./linear_model.ts";

/** Plain gradient descent. */
function gradientDescent({ weights }: SegmentationModel): Optimizer {
  return {
    slots: new Map(),
    apply(gradients, rate) {
      for (const [i, { variable }] of weights.trainable.entries()) {
        variable.assign(tf.sub(variable, tf.mul(gradients[i]!, rate)));
      }
    },
    dispose() {},
  };
}

interface Film {
  grey: number;
  mask: number;
}

const FILMS: Film[] = [
  { grey: 0.1, mask: 0 },
  { grey: 0.9, mask: 1 },
  { grey: 0.4, mask: 1 },
  { grey: 0.7, mask: 0 },
  { grey: 0.2, mask: 0 },
  { grey: 1, mask: 1 },
];

/** Mean squared error: its gradients are easily worked by hand. */
const squaredError: Loss = (logits, masks) =>
  tf.tidy(() => tf.mean(tf.square(tf.sub(logits, masks))) as tf.Scalar);

/** The weights after one step of gradient descent on the mean squared error, by hand. */
function byHand(weights: [number, number], films: Film[], rate: number): [number, number] {
  const [slope, bias] = weights;
  let [slopeGradient, biasGradient] = [0, 0];
  for (const { grey, mask } of films) {
    const x = normalised(grey);
    const error = slope * x + bias - mask;
    slopeGradient += 2 * error * x / films.length;
    biasGradient += 2 * error / films.length;
  }
  return [slope - rate * slopeGradient, bias - rate * biasGradient];
}

async function runBatch(
  step: TrainingStep,
  films: Film[],
  { rate = 0.1, share = 1, isLast = true }: { rate?: number; share?: number; isLast?: boolean },
): Promise<{ loss: number; counts: number[] }> {
  const shape: [number, number, number, number] = [films.length, 1, 1, 1];
  const images = tf.tensor4d(films.map(({ grey }) => grey), shape);
  const masks = tf.tensor4d(films.map(({ mask }) => mask), shape);
  const inputs = [tf.tensor1d([1, 2], "int32"), tf.scalar(rate), tf.scalar(share)] as const;
  const result = await step.run({ images, masks }, ...inputs, isLast);
  const values = {
    loss: result.loss.dataSync()[0]!,
    counts: [...result.counts.dataSync()],
  };
  tf.dispose([images, masks, [...inputs], { ...result }]);
  return values;
}

function setUp(accumulation: number, loss: Loss = squaredError, model = linearModel(0.3, -0.2)) {
  const optimizer = gradientDescent(model);
  const step = trainingStep({
    model,
    loss,
    augment: (films) => films,
    optimizer,
    accumulation,
    threshold: 0.5,
  });
  const weights = () => model.weights.trainable.map(({ variable }) => variable.dataSync()[0]!);
  const dispose = () => {
    step.dispose();
    model.dispose();
  };
  return { model, step, weights, dispose };
}

Deno.test("trainingStep() moves the weights along the gradient, by hand", async () => {
  const before = memory();
  const { step, weights, dispose } = setUp(1);
  assertEquals(step.gathered.size, 0);
  const { loss, counts } = await runBatch(step, FILMS.slice(0, 2), { rate: 0.1 });
  const logits = FILMS.slice(0, 2).map(({ grey }) => 0.3 * normalised(grey) - 0.2);
  assertClose([loss], [(logits[0]! ** 2 + (logits[1]! - 1) ** 2) / 2], 1e-5);
  assertEquals(counts, [0, 0, 0, 1, 1, 1]); // logits -0.66 and 0.41
  const first = byHand([0.3, -0.2], FILMS.slice(0, 2), 0.1);
  assertClose(weights(), first, 1e-5);
  await runBatch(step, FILMS.slice(2, 4), { rate: 0.01 });
  assertClose(weights(), byHand(first, FILMS.slice(2, 4), 0.01), 1e-5);
  dispose();
  assertEquals(memory(), before);
});

Deno.test("trainingStep() takes the mean of the losses of a model's outputs", async () => {
  const before = memory();
  const linear = linearModel(0.3, -0.2);
  const outputs: SegmentationModel["outputs"] = (x, forward) => {
    const logits = linear.apply(x, forward);
    return [logits, tf.add(logits, 3)];
  };
  const { step, weights, dispose } = setUp(1, squaredError, { ...linear, outputs });
  const films = FILMS.slice(0, 2);
  const { loss, counts } = await runBatch(step, films, { rate: 0.1 });
  const x = films.map(({ grey }) => normalised(grey));
  const errors = films.map(({ mask }, i) => 0.3 * x[i]! - 0.2 - mask);
  assertClose([loss], [errors.reduce((sum, e) => sum + (e ** 2 + (e + 3) ** 2) / 4, 0)], 1e-5);
  // The outputs' mean is what is counted: logits -0.66 + 1.5 and 0.41 + 1.5.
  assertEquals(counts, [0, 1, 0, 1, 1, 1]);
  const [slope, bias] = errors.reduce(
    ([slope, bias], e, i) => [slope! + (e + 1.5) * x[i]!, bias! + e + 1.5],
    [0, 0],
  );
  assertClose(weights(), [0.3 - 0.1 * slope!, -0.2 - 0.1 * bias!], 1e-5);
  dispose();
  assertEquals(memory(), before);
});

Deno.test("trainingStep() over a window equals one step on all of its films", async () => {
  for (const [batch, accumulation] of [[2, 3], [3, 2], [1, 6]] as const) {
    const { step, weights, dispose } = setUp(accumulation);
    const share = 1 / accumulation;
    for (let i = 0; i < accumulation; i++) {
      assertClose(weights(), [0.3, -0.2], 1e-7); // until the window ends
      const isLast = i + 1 === accumulation;
      await runBatch(step, FILMS.slice(i * batch, (i + 1) * batch), { share, isLast });
    }
    const expected = byHand([0.3, -0.2], FILMS, 0.1);
    assertClose(weights(), expected, 1e-5, `${accumulation} batches of ${batch}`);
    dispose();
  }
});

Deno.test("trainingStep() starts each window anew, and divides a shorter one by what it has", async () => {
  const { step, weights, dispose } = setUp(2);
  await runBatch(step, FILMS.slice(0, 2), { share: 0.5, isLast: false });
  await runBatch(step, FILMS.slice(2, 4), { share: 0.5, isLast: true });
  for (const sum of step.gathered.values()) assertClose(sum, [0], 0);
  await runBatch(step, FILMS.slice(4, 6), { share: 1, isLast: true });
  const first = byHand([0.3, -0.2], FILMS.slice(0, 4), 0.1);
  assertClose(weights(), byHand(first, FILMS.slice(4, 6), 0.1), 1e-5);
  dispose();
});

Deno.test("trainingStep() goes on in the middle of a window from restored gradients", async () => {
  const folder = await Deno.makeTempDir();
  const stopped = setUp(2);
  assertEquals([...stopped.step.gathered.keys()], ["slope", "bias"]);
  await runBatch(stopped.step, FILMS.slice(0, 3), { share: 0.5, isLast: false });
  const { gathered } = stopped.step;
  const written = await writeCheckpoint(folder, "last", { gathered }, null);
  stopped.dispose();

  const resumed = setUp(2);
  const stored = await readCheckpoint(folder, written);
  assignGroup(resumed.step.gathered, stored.group("gathered"), "gathered");
  await runBatch(resumed.step, FILMS.slice(3, 6), { share: 0.5, isLast: true });
  assertClose(resumed.weights(), byHand([0.3, -0.2], FILMS, 0.1), 1e-5);
  resumed.dispose();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("trainingStep() with Adam learns, keeps its traces and leaks nothing", async () => {
  const before = memory();
  const model = linearModel(0, 0);
  const optimizer = new Adam(model.weights.trainable);
  const step = trainingStep({
    model,
    loss: binaryCrossEntropy,
    augment: (films) => films,
    optimizer,
    accumulation: 1,
    threshold: 0.5,
  });
  const { loss: first } = await runBatch(step, FILMS, { rate: 0.05 });
  assertClose([first], [Math.LN2], 1e-6);
  const during = memory();
  let last = first;
  for (let i = 0; i < 30; i++) last = (await runBatch(step, FILMS, { rate: 0.05 })).loss;
  // Logistic regression of these films has its minimum at 0.4655 (Newton's method, NumPy).
  assertGreater(last, 0.4655);
  assertLess(last, 0.48);
  assertEquals(memory(), during);
  step.dispose();
  optimizer.dispose();
  model.dispose();
  assertEquals(memory(), before);
});

Deno.test("trainingStep() clips a window's gradients before the step, and calls what follows it", async () => {
  const model = linearModel(0.3, -0.2);
  const updates = tf.tidy(() => tf.variable(tf.scalar(0), false));
  const limit = 0.05;
  const step = trainingStep({
    model,
    loss: squaredError,
    augment: (films) => films,
    optimizer: gradientDescent(model),
    accumulation: 2,
    threshold: 0.5,
    clipping: { by: "global-norm", limit },
    afterUpdate: () => tf.tidy(() => updates.assign(tf.add(updates, 1))),
  });
  await runBatch(step, FILMS.slice(0, 3), { share: 0.5, isLast: false });
  assertEquals(updates.dataSync()[0], 0);
  await runBatch(step, FILMS.slice(3), { share: 0.5, isLast: true });
  assertEquals(updates.dataSync()[0], 1);

  // The mean of the gradients, by hand, is longer than the limit: the step keeps its direction.
  const plain = byHand([0.3, -0.2], FILMS, 1);
  const gradient = [0.3 - plain[0], -0.2 - plain[1]];
  const norm = Math.hypot(...gradient);
  assertGreater(norm, 2 * limit);
  const expected = [0.3, -0.2].map((weight, i) => weight - 0.1 * gradient[i]! * limit / norm);
  const found = model.weights.trainable.map(({ variable }) => variable.dataSync()[0]!);
  assertClose(found, expected, 1e-6);
  step.dispose();
  updates.dispose();
  model.dispose();
});
