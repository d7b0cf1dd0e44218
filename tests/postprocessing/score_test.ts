import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { DatasetError, decodeRle, type Film, FILM_SIZE } from "@/data/mod.ts";
import {
  type MaskRule,
  predictMasks,
  scorePredictions,
  scoreRules,
  scoreSubmission,
  toMask,
} from "@/postprocessing/mod.ts";
import { imaginaryFilm, rectangle, withFolder } from "../data/small_dataset.ts";

const RULE: MaskRule = { rule: "threshold", flip: true, threshold: 0.5, minimumArea: 0 };

/** A film's annotation and prediction, each a rectangle `[left, top, width, height]` or nothing. */
interface Case {
  film: Film;
  probabilities: Float32Array;
}

type Rectangle = [left: number, top: number, width: number, height: number];

function caseOf(imageId: string, truth?: Rectangle, predicted?: Rectangle, value = 0.9): Case {
  const rows = [truth ? rectangle(...truth) : "-1"];
  const probabilities = predicted
    ? Float32Array.from(
      decodeRle(rectangle(...predicted), FILM_SIZE, FILM_SIZE),
      (inside) => inside * value,
    )
    : new Float32Array(FILM_SIZE * FILM_SIZE);
  const area = truth ? truth[2] * truth[3] : 0;
  return { film: imaginaryFilm(imageId, rows, area), probabilities };
}

// Dice by hand: 2 * common / (predicted + annotated).
const CASES = [
  caseOf("half", [0, 0, 100, 100], [50, 0, 100, 100]), // 2 * 5,000 / 20,000 = 1/2; IoU 1/3
  caseOf("exact", [200, 300, 40, 20], [200, 300, 40, 20]),
  caseOf("missed", [10, 10, 30, 30]),
  caseOf("false-alarm", undefined, [500, 500, 20, 10], 0.7),
  caseOf("both-empty"),
  caseOf("inside", [0, 900, 60, 30], [0, 900, 20, 30]), // 2 * 600 / 2,400 = 1/2; IoU 1/3
];
const FILMS = CASES.map(({ film }) => film);

async function* predictions(cases: readonly Case[] = CASES) {
  for (const { film: { imageId }, probabilities } of cases) {
    yield await Promise.resolve({ imageId, probabilities });
  }
}

Deno.test("scorePredictions() scores hand-made masks as the competition does", async () => {
  const { films, metrics } = await scorePredictions(predictions(), FILMS, RULE);
  assertEquals(
    films.map(({ film, dice, predictedArea }) => [film.imageId, dice, predictedArea]),
    [
      ["half", 1 / 2, 10_000],
      ["exact", 1, 800],
      ["missed", 0, 0],
      ["false-alarm", 0, 200],
      ["both-empty", 1, 0],
      ["inside", 1 / 2, 600],
    ],
  );
  for (const [i, { rle }] of films.entries()) {
    const mask = decodeRle(rle, FILM_SIZE, FILM_SIZE);
    assertEquals(mask, toMask(CASES[i]!.probabilities, RULE), films[i]!.film.imageId);
  }
  const expected = {
    dice: 3 / 6,
    iou: (1 / 3 + 1 + 0 + 0 + 1 + 1 / 3) / 6,
    dicePositive: (1 / 2 + 1 + 0 + 1 / 2) / 4,
    diceNegative: 1 / 2,
    diceAllEmpty: 2 / 6,
    precision: 3 / 4,
    recall: 3 / 4,
    count: 6,
  };
  for (const [name, value] of Object.entries(expected)) {
    assertAlmostEquals(metrics[name as keyof typeof expected], value, 1e-12, name);
  }
});

Deno.test("scorePredictions() applies the rule, and takes films in the predictions' order", async () => {
  const reversed = predictions(CASES.toReversed());
  const { films, metrics } = await scorePredictions(reversed, FILMS, { ...RULE, minimumArea: 700 });
  assertEquals(films.map(({ film }) => film.imageId), FILMS.map((f) => f.imageId).toReversed());
  // The false alarm (200 px) and "inside" (600 px) are dropped.
  assertEquals(films.map(({ dice }) => dice), [0, 1, 1, 0, 1, 1 / 2]);
  assertAlmostEquals(metrics.dice, 3.5 / 6, 1e-12);
});

Deno.test("scorePredictions() and scoreRules() refuse a film without annotation", async () => {
  const stranger = { film: imaginaryFilm("x"), probabilities: CASES[4]!.probabilities };
  const cases = [CASES[0]!, stranger];
  const message = "it has no annotation: x";
  await assertRejects(() => scorePredictions(predictions(cases), FILMS, RULE), RangeError, message);
  await assertRejects(() => scoreRules(predictions(cases), FILMS, [RULE]), RangeError, message);
});

Deno.test("scoreRules() is scorePredictions() for each rule, in one pass", async () => {
  const rules: MaskRule[] = [
    RULE,
    { ...RULE, threshold: 0.8 },
    { ...RULE, minimumArea: 700 },
    { ...RULE, threshold: 0.95 },
    { rule: "triplet", flip: true, top: 0.75, area: 700, bottom: 0.3 },
  ];
  const dices = (await scoreRules(predictions(), FILMS, rules)).map(({ dice }) => dice);
  for (const [i, rule] of rules.entries()) {
    const { metrics } = await scorePredictions(predictions(), FILMS, rule);
    assertEquals(dices[i], metrics.dice, JSON.stringify(rule));
  }
  // Nothing exceeds 0.95: only the two films without pneumothorax are right.
  assertEquals(dices[3], 2 / 6);
  assertEquals(new Set(dices).size > 3, true, "the rules differ");
  assertEquals(await scoreRules(predictions(), FILMS, []), []);
});

Deno.test("predictMasks() gives each film's mask as it comes", async () => {
  const rule = { ...RULE, minimumArea: 700 };
  const answers = predictMasks(predictions(), rule);
  for (const { film, probabilities } of CASES) {
    const { value } = await answers.next();
    assert(value && "mask" in value);
    assertEquals(value.imageId, film.imageId);
    assertEquals(value.mask, toMask(probabilities, rule));
  }
  assertEquals((await answers.next()).done, true);
});

const HEADER = "ImageId, EncodedPixels\n";

/** Calls a test with a submission and a table of true masks. */
function withTables(
  { submission, truth }: { submission: string[]; truth: string[] },
  test: (submission: string, truth: string) => Promise<void>,
): Promise<void> {
  return withFolder(async (folder) => {
    const paths = [join(folder, "submission.csv"), join(folder, "truth.csv")] as const;
    await Deno.writeTextFile(paths[0], HEADER + submission.join("\n"));
    await Deno.writeTextFile(paths[1], HEADER + truth.join("\n"));
    await test(...paths);
  });
}

Deno.test("scoreSubmission() compares a submission with the true masks", () =>
  withTables({
    // In another order, and with a film that is not in the truth.
    submission: [
      "empty,-1",
      `a,${rectangle(50, 0, 100, 100)}`,
      "unknown,0 1",
      "missed,-1",
      `two,${rectangle(0, 0, 20, 10)}`,
    ],
    truth: [
      `a, ${rectangle(0, 0, 100, 100)}`,
      "empty, -1",
      `missed, ${rectangle(0, 0, 1, 1)}`,
      // Two rows of one film are united: 20 x 10 px.
      `two, ${rectangle(0, 0, 15, 10)}`,
      `two, ${rectangle(10, 0, 10, 10)}`,
    ],
  }, async (submission, truth) => {
    const metrics = await scoreSubmission(submission, truth);
    assert(metrics);
    assertEquals(metrics.count, 4);
    assertAlmostEquals(metrics.dice, (1 / 2 + 1 + 0 + 1) / 4, 1e-12);
    assertAlmostEquals(metrics.dicePositive, (1 / 2 + 0 + 1) / 3, 1e-12);
    assertAlmostEquals(metrics.diceAllEmpty, 1 / 4, 1e-12);
  }));

Deno.test("scoreSubmission() knows no score where there are no true masks", () =>
  withTables({ submission: ["a,-1"], truth: ["a,-1"] }, async (submission, truth) => {
    assertEquals((await scoreSubmission(submission, truth))?.dice, 1);
    assertEquals(await scoreSubmission(submission, `${truth}.absent`), undefined);
  }));

Deno.test("scoreSubmission() refuses a submission that is not whole", async () => {
  const truth = ["a,-1", "b,-1"];
  await withTables({ submission: ["a,-1"], truth }, async (submission, truth) => {
    const score = () => scoreSubmission(submission, truth);
    await assertRejects(score, RangeError, `${submission} as it lacks the film b`);
    const absent = () => scoreSubmission(`${submission}.absent`, truth);
    await assertRejects(absent, DatasetError, "submission.csv.absent");
  });
  await withTables({ submission: ["a,-1", "b,1 2 3"], truth }, async (submission, truth) => {
    await assertRejects(() => scoreSubmission(submission, truth), SyntaxError, "pairs");
  });
});
