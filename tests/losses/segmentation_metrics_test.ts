import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type MetricValues, overlapCounts, SegmentationMetrics } from "@/losses/mod.ts";
import { jit, tf } from "@/tensorflow/mod.ts";
import { memory } from "../tensorflow/assert_close.ts";

type Counts = [overlap: number, predicted: number, truth: number];

/** Worked by hand. */
const CASES: { name: string; images: Counts[]; expected: MetricValues }[] = [
  {
    name: "an empty prediction of an empty truth",
    images: [[0, 0, 0]],
    expected: {
      dice: 1,
      iou: 1,
      dicePositive: NaN,
      diceNegative: 1,
      diceAllEmpty: 1,
      precision: NaN,
      recall: NaN,
      count: 1,
    },
  },
  {
    name: "a prediction of an empty truth",
    images: [[0, 1, 0]],
    expected: {
      dice: 0,
      iou: 0,
      dicePositive: NaN,
      diceNegative: 0,
      diceAllEmpty: 1,
      precision: 0,
      recall: NaN,
      count: 1,
    },
  },
  {
    name: "an empty prediction of a truth",
    images: [[0, 0, 7]],
    expected: {
      dice: 0,
      iou: 0,
      dicePositive: 0,
      diceNegative: NaN,
      diceAllEmpty: 0,
      precision: NaN,
      recall: 0,
      count: 1,
    },
  },
  {
    name: "half of the truth",
    images: [[2, 2, 4]],
    expected: {
      dice: 4 / 6,
      iou: 2 / 4,
      dicePositive: 4 / 6,
      diceNegative: NaN,
      diceAllEmpty: 0,
      precision: 1,
      recall: 1,
      count: 1,
    },
  },
  {
    name: "a prediction beside the truth, which finds the disease all the same",
    images: [[0, 3, 5]],
    expected: {
      dice: 0,
      iou: 0,
      dicePositive: 0,
      diceNegative: NaN,
      diceAllEmpty: 0,
      precision: 1,
      recall: 1,
      count: 1,
    },
  },
  {
    name: "six films",
    images: [[0, 0, 0], [0, 0, 0], [0, 9, 0], [6, 8, 12], [10, 10, 10], [0, 0, 3]],
    expected: {
      dice: (1 + 1 + 0 + 0.6 + 1 + 0) / 6,
      iou: (1 + 1 + 0 + 6 / 14 + 1 + 0) / 6,
      dicePositive: 1.6 / 3,
      diceNegative: 2 / 3,
      diceAllEmpty: 3 / 6,
      precision: 2 / 3,
      recall: 2 / 3,
      count: 6,
    },
  },
  {
    name: "no film",
    images: [],
    expected: {
      dice: NaN,
      iou: NaN,
      dicePositive: NaN,
      diceNegative: NaN,
      diceAllEmpty: NaN,
      precision: NaN,
      recall: NaN,
      count: 0,
    },
  },
];

for (const { name, images, expected } of CASES) {
  Deno.test(`SegmentationMetrics scores ${name}`, () => {
    const metrics = new SegmentationMetrics();
    for (const counts of images) metrics.add(...counts);
    const values = metrics.values();
    assertEquals(Object.keys(values).sort(), Object.keys(expected).sort());
    for (const [key, value] of Object.entries(expected)) {
      assertAlmostEquals(values[key as keyof MetricValues], value, 1e-12, key);
    }
  });
}

Deno.test("SegmentationMetrics.add() refuses counts that cannot be, and counts nothing then", () => {
  const cases: Counts[] = [
    [3, 2, 5],
    [3, 5, 2],
    [-1, 2, 2],
    [0, -1, 2],
    [0, 2, -1],
    [NaN, 1, 1],
    [0, NaN, 1],
    [0, 1, NaN],
    [Infinity, 5, 5],
  ];
  const metrics = new SegmentationMetrics();
  metrics.add(1, 1, 1);
  for (const counts of cases) {
    assertThrows(() => metrics.add(...counts), RangeError, "Cannot add an image's overlap");
  }
  assertEquals(metrics.values().count, 1);
  assertEquals(metrics.values().dice, 1);
});

Deno.test("overlapCounts() counts the pixels of each image above the threshold, eager and traced", () => {
  const logits = [3, 0.1, -0.1, -3, 0, 0, 1, -1, -9, -9, -9, -9];
  const masks = [1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0];
  const shape: [number, number, number, number] = [3, 2, 2, 1];
  const cases: [threshold: number, counts: number[]][] = [
    [0.5, [1, 2, 2, 1, 1, 4, 0, 0, 0]], // a probability of just 0.5 is below
    [0.45, [2, 3, 2, 3, 3, 4, 0, 0, 0]], // sigmoid(-0.1) = 0.475
    [0.9, [1, 1, 2, 0, 0, 4, 0, 0, 0]], // sigmoid(3) = 0.953, sigmoid(1) = 0.731
  ];
  for (const [threshold, expected] of cases) {
    tf.tidy(() => {
      const [z, y] = [tf.tensor4d(logits, shape), tf.tensor4d(masks, shape)];
      const traced = jit((z: tf.Tensor4D, y: tf.Tensor4D) => overlapCounts(z, y, threshold));
      for (const counts of [overlapCounts(z, y, threshold), traced(z, y)]) {
        assertEquals(counts.shape, [3, 3]);
        assertEquals([...counts.dataSync()], expected);
      }
      traced.dispose();
    });
  }
});

Deno.test("overlapCounts() is exact for as many pixels as a film has", () => {
  const before = memory();
  tf.tidy(() => {
    const masks = tf.ones([1, 1024, 1024, 1]) as tf.Tensor4D;
    const counts = overlapCounts(tf.mul(masks, 5), masks, 0.5);
    assertEquals([...counts.dataSync()], [1048576, 1048576, 1048576]);
  });
  assertEquals(memory(), before);
});
