import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import {
  binaryCrossEntropy,
  diceLoss,
  focalLoss,
  type Loss,
  type LossName,
  type LossWeights,
  pixelCrossEntropy,
  weightedLoss,
} from "@/losses/mod.ts";
import { jit, tf } from "@/tensorflow/mod.ts";
import { assertClose, finiteDifferences, memory } from "../tensorflow/assert_close.ts";

/** Two films of 2 x 2 pixels. */
const LOGITS = [1, -2, 0.5, 3, -1, 0, 2, -0.5];
const MASKS = [1, 0, 1, 0, 0, 0, 1, 1];
const films = (values: number[]) => tf.tensor4d(values, [2, 2, 2, 1]);
const filled = (value: number) => LOGITS.map(() => value);
/** Logits of the given size that are right, or wrong, about every pixel. */
const sure = (size: number) => MASKS.map((mask) => mask === 1 ? size : -size);

const LOSSES: Record<string, Loss> = {
  "bce": binaryCrossEntropy,
  "dice": diceLoss,
  "dice of each image": (z, y) => diceLoss(z, y, { per: "image" }),
  "dice, smooth 0.1": (z, y) => diceLoss(z, y, { smooth: 0.1 }),
  "focal": focalLoss,
  "focal, gamma 0": (z, y) => focalLoss(z, y, { gamma: 0 }),
  "focal, gamma 1": (z, y) => focalLoss(z, y, { gamma: 1 }),
  "focal, gamma 1.5": (z, y) => focalLoss(z, y, { gamma: 1.5 }),
  "focal, gamma 5": (z, y) => focalLoss(z, y, { gamma: 5 }),
  "bce + dice": weightedLoss({ bce: 1, dice: 1 }),
  "3 bce + dice + 4 focal": weightedLoss({ bce: 3, dice: 1, focal: 4 }),
};

/**
 * From NumPy in double precision; those of `mixed` agree with Keras 3.15 (BinaryCrossentropy,
 * BinaryFocalCrossentropy without class balancing). The dice of `zero`, `perfect` and `wrong` by hand:
 * p = 1/2 everywhere gives 1 - (2 * 2 + 1) / (4 + 4 + 1) = 4/9.
 */
const CASES: Record<string, { logits: number[]; masks: number[]; expected: number[] }> = {
  mixed: {
    logits: LOGITS,
    masks: MASKS,
    expected: [
      0.7587834872,
      0.3415855586,
      0.3085969671,
      0.3775311112,
      0.429184446,
      0.7587834872,
      0.5293305176,
      0.4706926973,
      0.3135348302,
      1.1003690458,
      4.3346738043,
    ],
  },
  "an empty truth": {
    logits: LOGITS,
    masks: filled(0),
    expected: [
      1.1337834872,
      0.8166003842,
      0.6888623559,
      0.9780344049,
      0.7201200538,
      1.1337834872,
      0.8710910135,
      0.7869624369,
      0.4887004348,
      1.9503838714,
      7.0984310611,
    ],
  },
  "logits of zero": {
    logits: filled(0),
    masks: MASKS,
    expected: [
      Math.LN2,
      4 / 9,
      0.4,
      1 - 4.1 / 8.1,
      Math.LN2 / 4,
      Math.LN2,
      Math.LN2 / 2,
      Math.LN2 / 2 ** 1.5,
      Math.LN2 / 32,
      Math.LN2 + 4 / 9,
      4 * Math.LN2 + 4 / 9,
    ],
  },
  "a perfect prediction": {
    logits: sure(100),
    masks: MASKS,
    expected: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  },
  "an empty prediction of an empty truth": {
    logits: filled(-100),
    masks: filled(0),
    expected: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  },
  "all wrong": {
    logits: sure(-100),
    masks: MASKS,
    expected: [
      100,
      8 / 9,
      4 / 5,
      1 - 0.1 / 8.1,
      100,
      100,
      100,
      100,
      100,
      100 + 8 / 9,
      700 + 8 / 9,
    ],
  },
};

for (const [title, { logits, masks, expected }] of Object.entries(CASES)) {
  Deno.test(`losses of ${title} equal NumPy's and Keras's, eager and traced`, () => {
    for (const [i, [name, loss]] of Object.entries(LOSSES).entries()) {
      tf.tidy(() => {
        const [z, y] = [films(logits), films(masks)];
        const traced = jit(loss, { name: "loss" });
        const tolerance = Math.max(1, expected[i]!) * 1e-6;
        assertEquals(loss(z, y).shape, []);
        assertClose(loss(z, y), [expected[i]!], tolerance, name);
        assertClose(traced(z, y), [expected[i]!], tolerance, `${name}, traced`);
        traced.dispose();
      });
    }
  });
}

Deno.test("losses() have the gradients of finite differences, eager and traced", () => {
  const logits = films([1, -2, 0.5, 3, -1, 0.1, 2, -0.5]), masks = films(MASKS);
  for (const [name, loss] of Object.entries(LOSSES)) {
    tf.tidy(() => {
      const gradient = (z: tf.Tensor4D, y: tf.Tensor4D) =>
        tf.grad((z) => loss(z as tf.Tensor4D, y))(z);
      const [expected] = finiteDifferences((z) => loss(z as tf.Tensor4D, masks), [logits]);
      const traced = jit(gradient);
      assertClose(gradient(logits, masks), expected!, 1e-4, name);
      assertClose(traced(logits, masks), gradient(logits, masks), 1e-6, `${name}, traced`);
      traced.dispose();
    });
  }
  tf.dispose([logits, masks]);
});

Deno.test("losses() have finite gradients for logits of any size", () => {
  const sizes = [0, 1e-3, 10, 50, 69, 70, 88, 89, 100, 1e4];
  const values = sizes.flatMap((size) => [size, -size]);
  for (const [name, loss] of Object.entries(LOSSES)) {
    for (const mask of [0, 1]) {
      tf.tidy(() => {
        const y = tf.fill([1, values.length, 1, 1], mask) as tf.Tensor4D;
        const z = tf.tensor4d(values, [1, values.length, 1, 1]);
        const gradient = tf.grad((z) => loss(z as tf.Tensor4D, y))(z);
        for (const [i, slope] of gradient.dataSync().entries()) {
          assert(Number.isFinite(slope), `${name}: ${slope} at ${values[i]} for a mask of ${mask}`);
        }
        assert(Number.isFinite(loss(z, y).dataSync()[0]!), name);
      });
    }
  }
});

Deno.test("binaryCrossEntropy() has the gradient (sigmoid - mask) / pixels, at 0 too", () => {
  tf.tidy(() => {
    const logits = [0, 0, 2, -2, 100, 100, -100, -100], masks = [0, 1, 1, 1, 0, 1, 0, 1];
    const gradient = tf.grad((z) => binaryCrossEntropy(z as tf.Tensor4D, films(masks)))(
      films(logits),
    );
    const expected = logits.map((z, i) => (1 / (1 + Math.exp(-z)) - masks[i]!) / 8);
    assertClose(gradient, expected, 1e-7);
  });
});

Deno.test("pixelCrossEntropy() gives each pixel's cross-entropy, in any shape", () => {
  tf.tidy(() => {
    // NumPy: log1p(exp(-|z|)) + max(z, 0) - z y
    const expected = [
      0.3132616875,
      0.126928011,
      0.4740769842,
      3.0485873516,
      0.3132616875,
      0.6931471806,
      0.126928011,
      0.9740769842,
    ];
    assertClose(pixelCrossEntropy(tf.tensor1d(LOGITS), tf.tensor1d(MASKS)), expected, 1e-6);
    const films2 = pixelCrossEntropy(films(LOGITS), films(MASKS));
    assertEquals(films2.shape, [2, 2, 2, 1]);
    assertClose(pixelCrossEntropy(tf.tensor1d([100, -100]), tf.tensor1d([0, 1])), [100, 100]);
  });
});

Deno.test("diceLoss() per image counts a small and a large truth alike, per batch by pixels", () => {
  tf.tidy(() => {
    // One film is right about its 1 pixel, the other wrong about all of its 4.
    const logits = films([50, -50, -50, -50, -50, -50, -50, -50]);
    const masks = films([1, 0, 0, 0, 1, 1, 1, 1]);
    const per = (reduction: "batch" | "image") => diceLoss(logits, masks, { per: reduction });
    assertClose(per("image"), [1 - (1 + 1 / 5) / 2], 1e-6); // dice 3/3 and 1/5
    assertClose(per("batch"), [1 - 3 / 7], 1e-6); // (2 + 1) / (1 + 5 + 1)
  });
});

Deno.test("focalLoss() falls as gamma rises, and gamma 0 is the cross-entropy to the last bit", () => {
  tf.tidy(() => {
    const [z, y] = [films(LOGITS), films(MASKS)];
    const at = (gamma: number) => focalLoss(z, y, { gamma }).dataSync()[0]!;
    assertEquals(at(0), binaryCrossEntropy(z, y).dataSync()[0]);
    assertAlmostEquals(at(2), at(2.0000001), 1e-6);
    for (const gamma of [0, 0.5, 1, 2, 4]) assertLess(at(gamma + 0.1), at(gamma));
  });
});

Deno.test("weightedLoss() takes options for its parts, and leaves out what has no weight", () => {
  tf.tidy(() => {
    const [z, y] = [films(LOGITS), films(MASKS)];
    const value = (weights: LossWeights, options = {}) =>
      weightedLoss(weights, options)(z, y).dataSync()[0]!;
    assertAlmostEquals(value({ dice: 2 }, { dice: { per: "image" } }), 2 * 0.3085969671, 1e-6);
    assertAlmostEquals(value({ focal: 0.5 }, { focal: { gamma: 5 } }), 0.1567674151, 1e-6);
    assertAlmostEquals(value({ bce: 1, dice: 0 }), 0.7587834872, 1e-6);
    // The other parts would be infinite.
    const infinite = films(filled(Infinity));
    const dice = weightedLoss({ bce: 0, dice: 1, focal: 0 })(infinite, films(filled(1)));
    assertClose(dice, [0]);
  });
});

Deno.test("weightedLoss() refuses unknown, negative, infinite and missing weights", () => {
  const cases: [LossWeights, string][] = [
    [{ jaccard: 1 } as LossWeights, "none of that name: jaccard. Use bce, dice, focal, lovasz"],
    [{ bce: 1, toString: 1 } as LossWeights, "none of that name: toString"],
    [{ bce: -1 }, "the weight of bce must be >= 0: -1"],
    [{ bce: 1, dice: NaN }, "the weight of dice must be >= 0: NaN"],
    [{ focal: Infinity }, "the weight of focal must be >= 0: Infinity"],
    [{}, "no weight is above 0: {}"],
    [{ bce: 0, dice: 0 }, "no weight is above 0"],
  ];
  for (const [weights, message] of cases) {
    assertThrows(() => weightedLoss(weights), RangeError, message);
  }
});

Deno.test("weightedLoss() refuses logits and masks of different shapes", () => {
  const loss = weightedLoss({ bce: 1, dice: 1 });
  const ones = (...shape: [number, number, number, number]) => tf.ones(shape) as tf.Tensor4D;
  tf.tidy(() => {
    assertThrows(
      () => loss(ones(2, 4, 4, 1), ones(1, 4, 4, 1)),
      RangeError,
      "logits and masks differ in shape: [2,4,4,1] and [1,4,4,1]",
    );
    assertThrows(() => loss(ones(1, 4, 4, 1), ones(1, 4, 1, 1)), RangeError, "differ in shape");
  });
});

Deno.test("losses() leave nothing in memory but their value", () => {
  const z = films(LOGITS), y = films(MASKS);
  tf.dispose(tf.add(z, y)); // TensorFlow has them from here on
  const before = memory();
  for (const loss of Object.values(LOSSES)) tf.dispose(loss(z, y));
  assertEquals(memory(), before);
  tf.dispose([z, y]);
});

Deno.test("LOSSES of weightedLoss() are the names that an experiment may use", () => {
  const names: LossName[] = ["bce", "dice", "focal"];
  tf.tidy(() => {
    for (const name of names) {
      const single = weightedLoss({ [name]: 1 })(films(LOGITS), films(MASKS));
      assertClose(single, LOSSES[name]!(films(LOGITS), films(MASKS)), 0);
    }
  });
});

Deno.test("diceLoss() of a shared batch is the ratio of its sums over all parts", () => {
  tf.tidy(() => {
    const logits = tf.tensor4d([1, -2, 0.5, 3, -1, 0, 2, -3], [2, 2, 2, 1]);
    const masks = tf.tensor4d([1, 0, 0, 1, 0, 1, 1, 0], [2, 2, 2, 1]);
    const [z, y] = [tf.split(logits, 2), tf.split(masks, 2)] as [tf.Tensor4D[], tf.Tensor4D[]];
    const sums: tf.Tensor[] = [];
    const down = { sum: <T extends tf.Tensor>(x: T) => (sums.push(tf.keep(x.clone())), x) };
    for (const i of [0, 1]) diceLoss(z[i]!, y[i]!, { shared: down });
    const shared = { sum: <T extends tf.Tensor>() => tf.addN(sums) as T };
    const expected = diceLoss(logits, masks).dataSync();
    for (const i of [0, 1]) assertClose(diceLoss(z[i]!, y[i]!, { shared }), expected, 1e-6);
    // A mean over images needs no sums.
    const alone = { per: "image" } as const;
    assertClose(
      diceLoss(z[0]!, y[0]!, { ...alone, shared }),
      diceLoss(z[0]!, y[0]!, alone).dataSync(),
    );
    tf.dispose(sums);
  });
});

Deno.test("weightedLoss() refuses to sort the pixels of a batch that is shared", () => {
  const shared = { sum: <T extends tf.Tensor>(x: T) => x };
  const make = (per: "batch" | "image") =>
    weightedLoss({ bce: 1, lovasz: 1 }, { lovasz: { per } }, shared);
  make("image");
  assertThrows(() => make("batch"), RangeError, "lossOptions.lovasz.per: image, or one worker");
  weightedLoss({ bce: 1, lovasz: 0 }, { lovasz: { per: "batch" } }, shared); // not in use
});
