import { assertAlmostEquals, assertEquals, assertGreater, assertThrows } from "@std/assert";
import {
  lovaszHinge,
  type LovaszOptions,
  symmetricLovaszHinge,
  weightedLoss,
} from "@/losses/mod.ts";
import { jit, tf } from "@/tensorflow/mod.ts";
import { assertClose, finiteDifferences, memory } from "../tensorflow/assert_close.ts";

/** Three films of 2 x 3 pixels, the last one without a mask. */
const LOGITS = [
  ...[1.5, -0.3, 0.2, -2.1, 0.7, -1.2],
  ...[0.4, 0.9, -0.6, -1.7, 2.3, -0.1],
  ...[-2, -1.5, -3, 0.25, -0.5, -4],
];
const MASKS = [1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0];
const films = (values: number[]) => tf.tensor4d(values, [values.length / 6, 2, 3, 1]);
const film = (values: number[], i: number) => films(values.slice(6 * i, 6 * i + 6));
const value = (loss: tf.Scalar) => loss.dataSync()[0]!;

/**
 * NumPy, after algorithm 1 of the paper; a weight of w by writing each pixel of the mask w times, which
 * is another program than ours.
 */
const CASES: [options: LovaszOptions, expected: number][] = [
  [{}, 1.126111111111111],
  [{ per: "batch" }, 1.1258513708513709],
  [{ positiveWeight: 2 }, 1.0515873015873016],
  [{ positiveWeight: 3 }, 1.0195959595959596],
  [{ per: "batch", positiveWeight: 2 }, 0.9973085901027077],
  [{ per: "batch", positiveWeight: 3 }, 0.9393547604188337],
];

for (const [options, expected] of CASES) {
  Deno.test(`lovaszHinge() equals NumPy's, ${JSON.stringify(options)}, eager and traced`, () => {
    tf.tidy(() => {
      const loss = (z: tf.Tensor4D, y: tf.Tensor4D) => lovaszHinge(z, y, options);
      const traced = jit(loss);
      assertClose(loss(films(LOGITS), films(MASKS)), [expected], 1e-6);
      assertClose(traced(films(LOGITS), films(MASKS)), [expected], 1e-6);
      traced.dispose();
    });
  });
}

Deno.test("symmetricLovaszHinge() equals NumPy's", () => {
  tf.tidy(() => {
    const [z, y] = [films(LOGITS), films(MASKS)];
    assertClose(symmetricLovaszHinge(z, y), [0.9741666666666666], 1e-6);
    assertClose(symmetricLovaszHinge(z, y, { per: "batch" }), [0.9445511433011433], 1e-6);
  });
});

Deno.test("lovaszHinge() is what a table worked by hand says", () => {
  // Errors 1 - z s: 0.5 (mask), 2 (not), 1.5 (mask), 0. In falling order: not, mask, mask, not. The
  // Jaccard loss after each: 1 - 2/3, 1 - 1/3, 1 - 0/3, 1 - 0/4; so 2/3 + 1.5/3 + 0.5/3 = 4/3.
  const z = tf.tensor4d([0.5, 1, -0.5, -1], [1, 2, 2, 1]);
  const y = tf.tensor4d([1, 0, 1, 0], [1, 2, 2, 1]);
  assertClose(lovaszHinge(z, y), [4 / 3], 1e-6);
  tf.dispose([z, y]);
});

Deno.test("lovaszHinge() of perfect, empty and undecided predictions", () => {
  tf.tidy(() => {
    const y = films(MASKS), empty = films(MASKS.map(() => 0));
    const right = films(MASKS.map((mask) => mask ? 1 : -1));
    const zero = films(MASKS.map(() => 0));
    for (const per of ["batch", "image"] as const) {
      for (const loss of [lovaszHinge, symmetricLovaszHinge]) {
        // Right by the margin of the hinge is right enough; zero is wrong by 1 everywhere.
        assertClose(loss(right, y, { per }), [0], 0);
        assertClose(loss(zero, y, { per }), [1], 1e-6);
        assertClose(loss(zero, empty, { per }), [1], 1e-6);
        assertClose(loss(tf.neg(tf.onesLike(y)), empty, { per }), [0], 0);
      }
    }
    // Only the largest logit of an empty truth counts.
    assertClose(lovaszHinge(film(LOGITS, 2), film(MASKS, 2)), [1.25], 1e-6);
  });
});

Deno.test("lovaszHinge() equals the Jaccard loss at the corners of its domain", () => {
  // Errors of 0 and 1 alone (logits 1 and 0 times the sign): there the extension is the set function.
  tf.tidy(() => {
    const truth = MASKS.slice(0, 6);
    for (let wrong = 0; wrong < 64; wrong++) {
      const isWrong = truth.map((_, i) => (wrong >> i & 1) === 1);
      const z = truth.map((mask, i) => isWrong[i] ? 0 : 2 * mask - 1);
      const missed = truth.filter((mask, i) => mask && isWrong[i]).length;
      const added = truth.filter((mask, i) => !mask && isWrong[i]).length;
      const expected = (weight: number) => 1 - weight * (3 - missed) / (weight * 3 + added);
      for (const positiveWeight of [1, 2.5]) {
        const loss = lovaszHinge(films(z), films(truth), { positiveWeight });
        assertAlmostEquals(value(loss), expected(positiveWeight), 1e-6);
      }
    }
  });
});

Deno.test("lovaszHinge() per image is the mean over images, and does not mix them", () => {
  tf.tidy(() => {
    const single = [0, 1, 2].map((i) => value(lovaszHinge(film(LOGITS, i), film(MASKS, i))));
    assertClose(single, [1.2516666666666667, 0.8766666666666667, 1.25], 1e-6);
    const mean = single.reduce((a, b) => a + b) / 3;
    assertAlmostEquals(value(lovaszHinge(films(LOGITS), films(MASKS))), mean, 1e-6);
    const batch = { per: "batch" } as const;
    const alone = film(LOGITS, 0), mask = film(MASKS, 0);
    assertClose(lovaszHinge(alone, mask, batch), lovaszHinge(alone, mask), 0);
  });
});

Deno.test("symmetricLovaszHinge() of the inverted problem is the same", () => {
  tf.tidy(() => {
    const [z, y] = [films(LOGITS), films(MASKS)];
    const inverted = symmetricLovaszHinge(tf.neg(z), tf.sub(1, y));
    assertClose(inverted, symmetricLovaszHinge(z, y), 1e-6);
    assertGreater(Math.abs(value(lovaszHinge(tf.neg(z), tf.sub(1, y))) - 1.126), 0.1);
  });
});

Deno.test("Lovász losses have the gradients of finite differences, eager and traced", () => {
  const options: LovaszOptions[] = [{}, { per: "batch" }, { per: "batch", positiveWeight: 2.5 }];
  const y = films(MASKS);
  for (const hinge of [lovaszHinge, symmetricLovaszHinge]) {
    for (const option of options) {
      const z = films(LOGITS);
      const loss = (z: tf.Tensor) => hinge(z as tf.Tensor4D, y, option);
      // No two errors are nearer than 0.1 to each other, nor to the hinge: a step of 0.01 meets no kink.
      const [expected] = finiteDifferences(loss, [z], 1e-2);
      const gradient = tf.grad(loss);
      const traced = jit((z: tf.Tensor) => gradient(z));
      for (const found of [gradient(z), traced(z)]) {
        assertClose(found, expected!, 2e-4, JSON.stringify(option));
        found.dispose();
      }
      traced.dispose();
      z.dispose();
    }
  }
  y.dispose();
});

Deno.test("weightedLoss() takes Lovász losses with their options", () => {
  tf.tidy(() => {
    const [z, y] = [films(LOGITS), films(MASKS)];
    const loss = weightedLoss({ bce: 3, dice: 1, focal: 4, lovasz: 2, symmetricLovasz: 0.5 }, {
      lovasz: { per: "batch", positiveWeight: 2 },
    });
    const others = weightedLoss({ bce: 3, dice: 1, focal: 4 })(z, y);
    const expected = value(others) + 2 * 0.9973085901027077 + 0.5 * 0.9741666666666666;
    assertAlmostEquals(value(loss(z, y)), expected, 1e-5);
  });
});

Deno.test("lovaszHinge() refuses a weight that is not above 0", () => {
  tf.tidy(() => {
    for (const positiveWeight of [0, -1, NaN, Infinity]) {
      assertThrows(
        () => lovaszHinge(films(LOGITS), films(MASKS), { positiveWeight }),
        RangeError,
        `positiveWeight must be > 0: ${positiveWeight}`,
      );
    }
  });
});

Deno.test("lovaszHinge() and its gradient leave nothing in memory", () => {
  const z = films(LOGITS), y = films(MASKS);
  tf.dispose(tf.add(z, y)); // TensorFlow has them from here on
  const before = memory();
  tf.dispose(tf.grad((z) => lovaszHinge(z as tf.Tensor4D, y))(z));
  tf.dispose(symmetricLovaszHinge(z, y));
  assertEquals(memory(), before);
  tf.dispose([z, y]);
});
