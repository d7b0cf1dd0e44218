import { assertEquals, assertThrows } from "@std/assert";
import { type SegmentationModel, Weights } from "@/model/mod.ts";
import { jit, tf } from "@/tensorflow/mod.ts";
import { MovingAverage, WeightAverage } from "@/training/mod.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";

/** A model of two trainable weights and one statistic. */
function newModel(): SegmentationModel {
  const weights = new Weights(0);
  weights.create("kernel", [2, 2], "zeros");
  weights.create("gamma", [1], "zeros");
  weights.create("moving_mean", [1], "zeros", false);
  return { weights, dispose: () => weights.dispose() } as unknown as SegmentationModel;
}

function setWeights({ weights }: SegmentationModel, kernel: number[], gamma: number, mean: number) {
  tf.tidy(() => {
    weights.get("kernel").assign(tf.tensor2d(kernel, [2, 2]));
    weights.get("gamma").assign(tf.tensor1d([gamma]));
    weights.get("moving_mean").assign(tf.tensor1d([mean]));
  });
}

Deno.test("WeightAverage gives the arithmetic mean of the added weights, not of statistics", () => {
  const model = newModel();
  const average = new WeightAverage(model);
  const added = [[1, 2, 3, 4], [0, -4, 3, 1e6], [5, 5, 5, -7], [1, 1, 1, 1], [0.5, 0, -3, 1e-3]];
  for (const [i, kernel] of added.entries()) {
    setWeights(model, kernel, i * i, i);
    average.add();
    assertEquals(average.count, i + 1);
  }
  // The model is as it was, until it is given the mean.
  assertEquals([...model.weights.get("gamma").dataSync()], [16]);
  average.moveToModel();
  const mean = [0, 1, 2, 3].map((k) => added.reduce((sum, kernel) => sum + kernel[k]! / 5, 0));
  for (const [k, value] of model.weights.get("kernel").dataSync().entries()) {
    assertClose([value], [mean[k]!], Math.abs(mean[k]!) * 1e-6 + 1e-6);
  }
  assertClose(model.weights.get("gamma"), [(0 + 1 + 4 + 9 + 16) / 5], 1e-5);
  assertEquals([...model.weights.get("moving_mean").dataSync()], [4]);
  average.dispose();
  model.dispose();
});

Deno.test("WeightAverage stays as it is while the model, given the mean, goes on", () => {
  const model = newModel();
  const average = new WeightAverage(model);
  setWeights(model, [1, 2, 3, 4], 5, 0);
  average.add();
  average.moveToModel();
  setWeights(model, [9, 9, 9, 9], 9, 0);
  assertEquals([...average.mean.get("kernel")!.dataSync()], [1, 2, 3, 4]);
  average.dispose();
  assertEquals([...model.weights.get("kernel").dataSync()], [9, 9, 9, 9]);
  model.dispose();
});

Deno.test("WeightAverage goes on from a stored mean and count", () => {
  const model = newModel();
  const average = new WeightAverage(model);
  tf.tidy(() => average.mean.get("gamma")!.assign(tf.tensor1d([4])));
  average.count = 3;
  setWeights(model, [0, 0, 0, 0], 8, 0);
  average.add();
  assertClose(average.mean.get("gamma")!, [(3 * 4 + 8) / 4]);
  average.dispose();
  model.dispose();
});

Deno.test("WeightAverage.moveToModel() refuses when nothing has been added", () => {
  const model = newModel();
  const average = new WeightAverage(model);
  assertThrows(() => average.moveToModel(), RangeError, "none have been added");
  average.dispose();
  model.dispose();
});

Deno.test("WeightAverage.dispose() frees the mean, and not the model's weights", () => {
  const before = memory();
  const model = newModel();
  const average = new WeightAverage(model);
  setWeights(model, [1, 2, 3, 4], 5, 0);
  average.add();
  average.moveToModel();
  average.dispose();
  assertEquals(average.mean.size, 0);
  assertEquals([...model.weights.get("kernel").dataSync()], [1, 2, 3, 4]);
  model.dispose();
  assertEquals(memory(), before);
});

for (const isTraced of [false, true]) {
  Deno.test(`MovingAverage equals TensorFlow's, ${isTraced ? "traced" : "eager"}`, () => {
    // tf.train.ExponentialMovingAverage(decay, num_updates) of 2.21, from 5, over i^2 - 3 i.
    const cases: [decay: number, expected: number[]][] = [
      [0.9, [0.500000119, -1.54545451, -1.886363628, -0.580419543, 2.364135838, 6.945654517]],
      [0.25, [0.500000119, -1.54545451, -1.886363628, -0.471590907, 2.882102273, 8.220525568]],
    ];
    for (const [decay, expected] of cases) {
      const model = newModel();
      setWeights(model, [0, 0, 0, 0], 5, 7);
      const average = new MovingAverage(model, decay);
      const plain = () => {
        average.update();
        return tf.scalar(0);
      };
      const traced = jit(plain);
      for (const [i, wanted] of expected.entries()) {
        setWeights(model, [i, 0, 0, 0], i * i - 3 * i, i);
        tf.dispose((isTraced ? traced : plain)());
        assertClose(average.state.get("gamma")!, [wanted], 1e-5, `after step ${i + 1}`);
      }
      assertEquals([...model.weights.get("kernel").dataSync()], [5, 0, 0, 0]);
      average.moveToModel();
      assertClose(model.weights.get("gamma"), [expected.at(-1)!], 1e-5);
      assertEquals([...model.weights.get("moving_mean").dataSync()], [5]);
      if (isTraced) assertEquals(traced.traces, 1);
      traced.dispose();
      average.dispose();
      model.dispose();
    }
  });
}

Deno.test("MovingAverage.reset() forgets what was, and dispose() frees everything", () => {
  const before = memory();
  const model = newModel();
  const average = new MovingAverage(model, 0.9);
  setWeights(model, [1, 2, 3, 4], 5, 6);
  average.update();
  setWeights(model, [9, 9, 9, 9], 8, 6);
  average.reset();
  assertEquals([...average.state.get("gamma")!.dataSync()], [8]);
  setWeights(model, [9, 9, 9, 9], 18, 6);
  average.update();
  // In the first step the decay is 1 / 10.
  assertClose(average.state.get("gamma")!, [0.1 * 8 + 0.9 * 18], 1e-5);
  average.dispose();
  model.dispose();
  assertEquals(memory(), before);
});
