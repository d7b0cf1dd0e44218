import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import type { Film, Prepared } from "@/data/mod.ts";
import { weightedLoss } from "@/losses/mod.ts";
import { validator } from "@/training/mod.ts";
import { memory } from "../tensorflow/assert_close.ts";
import { linearModel, normalised } from "./linear_model.ts";

/** Films of 1 x 2 pixels would do; they are square, so 2 x 2 with two rows alike. */
const PIXELS: Record<string, { greys: [number, number]; masks: [number, number] }> = {
  a: { greys: [255, 0], masks: [255, 0] }, // right
  b: { greys: [255, 255], masks: [255, 0] }, // half of what is predicted
  c: { greys: [0, 0], masks: [0, 0] }, // rightly empty
  d: { greys: [0, 204], masks: [0, 0] }, // wrongly not
  e: { greys: [51, 0], masks: [255, 255] }, // missed
};

const PREPARED = {
  size: 2,
  readImage: (id: string) => {
    const { greys } = PIXELS[id]!;
    return Promise.resolve(Uint8Array.from([...greys, ...greys]));
  },
  readMask: (id: string) => {
    const { masks } = PIXELS[id]!;
    return Promise.resolve(Uint8Array.from([...masks, ...masks]));
  },
} as unknown as Prepared;

const FILMS = Object.keys(PIXELS).map((imageId) => ({ imageId }) as Film);

/** The mean cross-entropy of all pixels of the logits `normalised(grey)`, by hand. */
function meanCrossEntropy(): number {
  const pixels = Object.values(PIXELS).flatMap(({ greys, masks }) =>
    greys.map((grey, i) => {
      const z = normalised(grey / 255);
      return Math.log1p(Math.exp(masks[i] ? -z : z));
    })
  );
  return pixels.reduce((sum, value) => sum + value) / pixels.length;
}

Deno.test("validator() gives mean loss and metrics, however the films are cut into batches", async () => {
  const before = memory();
  for (const batch of [1, 2, 3, 5, 8]) {
    const model = linearModel(1, 0);
    const validate = validator(model, PREPARED, weightedLoss({ bce: 1 }), {
      batch,
      threshold: 0.5,
    });
    const values = await validate.run(FILMS);
    assertAlmostEquals(values.loss, meanCrossEntropy(), 1e-5);
    assertAlmostEquals(values.dice, (1 + 2 / 3 + 1 + 0 + 0) / 5, 1e-6);
    assertAlmostEquals(values.iou, (1 + 1 / 2 + 1 + 0 + 0) / 5, 1e-6);
    assertAlmostEquals(values.dicePositive, (1 + 2 / 3 + 0) / 3, 1e-6);
    assertEquals(values.diceNegative, 1 / 2);
    assertEquals(values.count, 5);
    validate.dispose();
    model.dispose();
  }
  assertEquals(memory(), before);
});

Deno.test("validator() counts pixels above its threshold", async () => {
  const model = linearModel(1, 0);
  // 204 gives sigmoid(1.54) = 0.82, 255 gives 0.92.
  const validate = validator(model, PREPARED, weightedLoss({ bce: 1 }), {
    batch: 5,
    threshold: 0.9,
  });
  assertEquals((await validate.run(FILMS)).diceNegative, 1);
  validate.dispose();
  model.dispose();
});

Deno.test("validator() does not change the model", async () => {
  const model = linearModel(1, 0);
  const validate = validator(model, PREPARED, weightedLoss({ bce: 1 }), {
    batch: 2,
    threshold: 0.5,
  });
  const first = await validate.run(FILMS);
  assertEquals(await validate.run(FILMS), first);
  assertEquals(model.weights.all.map(({ variable }) => variable.dataSync()[0]), [1, 0]);
  validate.dispose();
  model.dispose();
});

Deno.test("validator() stops between two batches, and leaves nothing behind", async () => {
  const before = memory();
  const model = linearModel(1, 0);
  const validate = validator(model, PREPARED, weightedLoss({ bce: 1 }), {
    batch: 1,
    threshold: 0.5,
  });
  let batches = 0;
  const stop = () => {
    if (++batches === 3) throw new EvalError("stopped");
  };
  await assertRejects(() => validate.run(FILMS, stop), EvalError, "stopped");
  validate.dispose();
  model.dispose();
  assertEquals(memory(), before);
});
