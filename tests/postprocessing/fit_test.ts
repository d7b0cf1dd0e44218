import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { encodeRle, type Film, FILM_SIZE } from "@/data/mod.ts";
import {
  fitPostprocessing,
  type Fitting,
  type MaskRule,
  type Prediction,
  scoreRules,
  type StepName,
} from "@/postprocessing/mod.ts";
import { Random } from "@/random/mod.ts";

/** Maps of 16 x 16: each of their pixels stands for 64 x 64 of the film, an area of 4,096. */
const SIDE = 16;
const CELL = FILM_SIZE / SIDE;

/** A rectangle of the small map. */
interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

const LESION: Box = { x: 3, y: 4, width: 4, height: 3 };
const SPECK: Box = { x: 12, y: 12, width: 1, height: 1 };

function film(imageId: string, annotated: Box | undefined, sex?: "M" | "F"): Film {
  const mask = new Uint8Array(FILM_SIZE ** 2);
  if (annotated) {
    const { x, y, width, height } = annotated;
    for (let row = y * CELL; row < (y + height) * CELL; row++) {
      mask.fill(1, row * FILM_SIZE + x * CELL, row * FILM_SIZE + (x + width) * CELL);
    }
  }
  const area = annotated ? annotated.width * annotated.height * CELL ** 2 : 0;
  return {
    imageId,
    path: `${imageId}.dcm`,
    bytes: 1,
    patientId: imageId,
    sex,
    rows: [encodeRle(mask, FILM_SIZE, FILM_SIZE)],
    positive: area > 0,
    area,
  };
}

/** A map of 0.02 with boxes of other probabilities. */
function prediction(imageId: string, ...boxes: [Box, number][]): Prediction {
  const probabilities = new Float32Array(SIDE * SIDE).fill(0.02);
  for (const [{ x, y, width, height }, probability] of boxes) {
    for (let row = y; row < y + height; row++) {
      probabilities.fill(probability, row * SIDE + x, row * SIDE + x + width);
    }
  }
  return { imageId, probabilities };
}

/** A step's outcome, without all that it tried. */
function step({ steps }: Fitting, name: StepName) {
  const { tried: _, ...outcome } = steps.find((step) => step.name === name)!;
  return outcome;
}

/** Whether each step is kept, by name. */
const kept = ({ steps }: Fitting) =>
  Object.fromEntries(steps.map(({ name, kept }) => [name, kept]));

Deno.test("fitPostprocessing() keeps no step where one half is already right", async () => {
  const films = [film("a", LESION, "M"), film("b", undefined, "F")];
  const plain = [prediction("a", [LESION, 0.9]), prediction("b")];
  const fitting = await fitPostprocessing({ plain, flipped: plain }, films);
  assertEquals(kept(fitting), {
    flip: false,
    threshold: false,
    components: false,
    triplet: false,
    bySex: false,
  });
  assertEquals(fitting.rule, { rule: "threshold", flip: false, threshold: 0.5, minimumArea: 0 });
  assertEquals([fitting.dice, fitting.films], [1, 2]);
  for (const { before, after } of fitting.steps) assert(before === 1 && after <= 1);
});

Deno.test("fitPostprocessing() keeps the flip where the mean with the mirrored film is better", async () => {
  const films = [film("a", LESION), film("b", undefined)];
  const plain = [prediction("a", [LESION, 0.9]), prediction("b", [SPECK, 0.6])];
  const flipped = [prediction("b", [SPECK, 0.4]), prediction("a", [LESION, 0.8])];
  const fitting = await fitPostprocessing({ plain, flipped }, films);
  assertEquals(step(fitting, "flip"), {
    name: "flip",
    before: 0.5,
    after: 1,
    kept: true,
    rule: { rule: "threshold", flip: true, threshold: 0.5, minimumArea: 0 },
  });
  assertEquals(fitting.rule.flip, true);
  assert(!("flip" in kept(await fitPostprocessing({ plain }, films))));
  assertEquals((await fitPostprocessing({ flipped }, films)).rule.flip, true);
});

Deno.test("fitPostprocessing() keeps threshold and components by what they bring", async () => {
  // The lesion is seen at 0.35 only, and a speck of 4,096 px at 0.45 in each film.
  const films = [film("a", LESION), film("b", undefined)];
  const plain = [
    prediction("a", [LESION, 0.35], [SPECK, 0.45]),
    prediction("b", [SPECK, 0.45]),
  ];
  const grid = { thresholds: [0.3, 0.4, 0.5, 0.6], minimumAreas: [4096, 4097], tops: [0.9] };
  const fitting = await fitPostprocessing({ plain }, films, grid);
  // At one half both masks are empty: dice 0 and 1. At 0.3 it is 24/25 and 0: no better.
  assertEquals(step(fitting, "threshold").before, 0.5);
  assertEquals(step(fitting, "threshold").kept, false);
  assertEquals(step(fitting, "components").after, 0.5);
  assertEquals(fitting.dice, 0.5);

  const seen = [plain[0]!, prediction("b")];
  const better = await fitPostprocessing({ plain: seen }, films, grid);
  assertAlmostEquals(step(better, "threshold").after, (24 / 25 + 1) / 2, 1e-12);
  assertEquals(step(better, "threshold").rule, {
    rule: "threshold",
    flip: false,
    threshold: 0.3,
    minimumArea: 0,
  });
  // A region of exactly the minimum stays, one pixel less does not.
  assertEquals(step(better, "components").after, 1);
  const rule: MaskRule = { rule: "threshold", flip: false, threshold: 0.3, minimumArea: 4097 };
  assertEquals(step(better, "components").rule, rule);
  assertEquals([better.dice, better.rule], [1, rule]);
});

Deno.test("fitPostprocessing() keeps the triplet where sure pixels tell positive films", async () => {
  // A large doubtful region in the healthy film, a sure core within the lesion of the other one.
  const core = { ...LESION, width: 1, height: 1 };
  const films = [film("a", LESION), film("b", undefined)];
  const plain = [
    prediction("a", [LESION, 0.45], [core, 0.95]),
    prediction("b", [LESION, 0.6]),
  ];
  const grid = { tops: [0.7, 0.9], areas: [4096, 8192], bottoms: [0.3, 0.5], minimumAreas: [500] };
  const fitting = await fitPostprocessing({ plain }, films, grid);
  const triplet = step(fitting, "triplet");
  assert(triplet.kept);
  assertEquals(triplet.after, 1);
  assertEquals(fitting.rule, {
    rule: "triplet",
    flip: false,
    top: 0.7,
    area: 4096,
    bottom: 0.3,
  });
});

Deno.test("fitPostprocessing() keeps a threshold for each sex where they differ", async () => {
  const films = [film("a", LESION, "M"), film("b", LESION, "F"), film("c", LESION)];
  const wide = { ...LESION, width: 8 };
  const plain = [
    prediction("a", [LESION, 0.35]),
    prediction("b", [wide, 0.45], [LESION, 0.9]),
    prediction("c", [LESION, 0.9]),
  ];
  const grid = { thresholds: [0.3, 0.5, 0.7], tops: [], minimumAreas: [] };
  const fitting = await fitPostprocessing({ plain }, films, grid);
  // Common: at 0.3 it is 1, 2/3 and 1.
  const bySex = step(fitting, "bySex");
  assertAlmostEquals(bySex.before, (1 + 2 / 3 + 1) / 3, 1e-12);
  assertEquals([bySex.after, bySex.kept], [1, true]);
  assertEquals(fitting.rule.bySex, { M: 0.3, F: 0.5 });
  assertEquals(fitting.steps.map(({ name }) => name), ["threshold", "bySex"]);
});

Deno.test("fitPostprocessing() tells all that it tried, with the score of each", async () => {
  const films = [film("a", LESION, "M"), film("b", LESION, "F")];
  const wide = { ...LESION, width: 8 };
  const plain = [
    prediction("a", [LESION, 0.35]),
    prediction("b", [wide, 0.45], [LESION, 0.9]),
  ];
  const grid = {
    thresholds: [0.3, 0.5],
    minimumAreas: [],
    tops: [0.8],
    areas: [1, 9e4],
    bottoms: [0.3],
  };
  const { steps, dice } = await fitPostprocessing({ plain }, films, grid);
  const tried = (name: StepName) => steps.find((step) => step.name === name)!.tried;
  // At 0.3 the mask of b is twice as large as the truth: dice 2/3. At 0.5 that of a is empty.
  const [low, high] = tried("threshold");
  assertAlmostEquals(low!.dice, (1 + 2 / 3) / 2, 1e-12);
  assertEquals(high!.dice, 0.5);
  // The first triplet makes a negative and b twice as large; the second makes both negative.
  assertEquals(tried("triplet").map(({ dice }) => dice), [1 / 3, 0]);
  const bySex = tried("bySex").map(({ rule, dice }) => [rule.bySex!.M, rule.bySex!.F, dice]);
  const common = (1 + 2 / 3) / 2;
  assertEquals(bySex, [
    [0.3, 0.3, common],
    [0.5, 0.3, 1 / 3],
    [0.3, 0.3, common],
    [0.3, 0.5, 1],
    [0.3, 0.5, 1],
  ]);
  assertEquals(dice, 1);
});

Deno.test("fitPostprocessing() takes a given rule where it is better than all of the grid", async () => {
  const films = [film("a", LESION, "M"), film("b", undefined, "M")];
  const plain = [prediction("a", [LESION, 0.55]), prediction("b", [LESION, 0.53])];
  const grid = { thresholds: [0.5, 0.6], minimumAreas: [500], tops: [0.7], bottoms: [0.3] };
  const threshold: MaskRule = { rule: "threshold", flip: false, threshold: 0.54, minimumArea: 500 };
  const triplet: MaskRule = { rule: "triplet", flip: false, top: 0.54, area: 9, bottom: 0.52 };
  const bySex: MaskRule = { ...threshold, threshold: 0.7, bySex: { M: 0.54, F: 0.1 } };
  for (const rule of [threshold, triplet, bySex]) {
    const fitting = await fitPostprocessing({ plain }, films, { ...grid, rules: [rule] });
    assertEquals(step(fitting, "experiment"), {
      name: "experiment",
      before: 0.5,
      after: 1,
      kept: true,
      rule,
    });
    assertEquals([fitting.rule, fitting.dice], [rule, 1]);
  }
  // A rule for mirrored films cannot be tried where there are none, nor is a worse one kept.
  const flipped: MaskRule = { ...threshold, flip: true };
  assert(!("experiment" in kept(await fitPostprocessing({ plain }, films, { rules: [flipped] }))));
  const worse: MaskRule = { ...threshold, threshold: 0.9 };
  const fitting = await fitPostprocessing({ plain }, films, { ...grid, rules: [worse] });
  assertEquals(kept(fitting).experiment, false);
});

Deno.test("fitPostprocessing() says of each rule the dice that scoreRules() finds at full size", async () => {
  const random = new Random(1, "fit");
  const boxes = [LESION, SPECK, { x: 8, y: 1, width: 5, height: 2 }, undefined];
  const films = boxes.map((box, i) => film(`film-${i}`, box, i % 2 === 0 ? "M" : "F"));
  const small = films.map(({ imageId }, i) => {
    const noise = boxes.flatMap((box): [Box, number][] => box ? [[box, random.uniform()]] : []);
    const lesion = boxes[i];
    return prediction(imageId, ...noise, ...(lesion ? [[lesion, 0.55] as [Box, number]] : []));
  });
  const full = small.map(({ imageId, probabilities }) => ({
    imageId,
    probabilities: Float32Array.from({ length: FILM_SIZE ** 2 }, (_, i) => {
      const row = Math.floor(Math.floor(i / FILM_SIZE) / CELL);
      return probabilities[row * SIDE + Math.floor((i % FILM_SIZE) / CELL)]!;
    }),
  }));
  const grid = { thresholds: [0.3, 0.5], tops: [0.6, 0.8], bottoms: [0.3], minimumAreas: [5000] };
  const fitting = await fitPostprocessing({ plain: full }, films, grid);
  const rules: MaskRule[] = [...fitting.steps.map(({ rule }) => rule), fitting.rule];
  async function* stream() {
    yield* full;
  }
  const scores = (await scoreRules(stream(), films, rules)).map(({ dice }) => dice);
  for (const [i, score] of scores.entries()) {
    assertAlmostEquals(
      fitting.steps[i]?.after ?? fitting.dice,
      score,
      1e-9,
      JSON.stringify(rules[i]),
    );
  }
  assertEquals(await fitPostprocessing({ plain: small }, films, grid), fitting);
});

Deno.test("fitPostprocessing() refuses no predictions, unknown films and maps that are no films", async () => {
  const films = [film("a", LESION)];
  const good = prediction("a", [LESION, 0.9]);
  const ill: [Parameters<typeof fitPostprocessing>[0], string][] = [
    [{}, "there is no prediction"],
    [{ plain: [] }, "there is no prediction"],
    [{ plain: [good], flipped: [] }, "not of the same films: 1 and 0"],
    [{ plain: [prediction("b")] }, "no annotation: b"],
    [{ plain: [{ imageId: "a", probabilities: new Float32Array(12) }] }, "12 values"],
    [{ plain: [{ imageId: "a", probabilities: new Float32Array(4).fill(NaN) }] }, "NaN"],
  ];
  for (const [predictions, reason] of ill) {
    await assertRejects(() => fitPostprocessing(predictions, films), RangeError, reason);
  }
});
