import { assert, assertEquals } from "@std/assert";
import { type Film, FILM_SIZE } from "@/data/mod.ts";
import type { Member, Run } from "@/experiments/mod.ts";
import type { MetricValues } from "@/losses/mod.ts";
import {
  activationCurves,
  bestMedianWorst,
  calibrationChart,
  ensembleFlow,
  ensemblePictures,
  errorsByGroup,
  errorsBySize,
  featurePictures,
  filmConfusion,
  heldOutScores,
  modelScores,
  modelSizes,
  renderSvg,
  shiftedDiceChart,
  wholeFlow,
} from "@/plots/mod.ts";
import type { FilmScore } from "@/postprocessing/mod.ts";
import { compiledRows, textsOf, titlesOf } from "./chart_rows.ts";

function metrics(dice: number): MetricValues {
  return {
    dice,
    iou: 0,
    dicePositive: dice / 2,
    diceNegative: 1,
    diceAllEmpty: 0.5,
    precision: 1,
    recall: 1,
    count: 36,
  };
}

function score(area: number, dice: number, part: Partial<Film> = {}, predictedArea = 1): FilmScore {
  const film = { area, positive: area > 0, ...part } as Film;
  return { film, dice, predictedArea, rle: "" };
}

/** One pixel of 16 is 6.25 % of such films. */
const SCORES = [
  score(FILM_SIZE ** 2 / 16, 0.2, { sex: "F" }),
  score(FILM_SIZE ** 2 / 8, 0, { sex: "M" }, 0),
  score(FILM_SIZE ** 2 / 4, 0.9, { sex: "M" }),
  score(FILM_SIZE ** 2 / 2, 0.7, { sex: "M" }),
  score(0, 1, {}, 0),
  score(0, 0, {}, 9),
];

Deno.test("modelScores() names the best model beside all-empty masks", async () => {
  const spec = modelScores([
    { name: "one", metrics: metrics(0.8) },
    { name: "two", metrics: metrics(0.9) },
    { name: "three", metrics: metrics(0.7) },
  ]);
  assertEquals(titlesOf(spec), {
    title: "Best: two, dice 0.900; all-empty masks score 0.500",
    subtitle: "Mean dice of 36 validation films; 0.450 over those with pneumothorax",
  });
  assertEquals(compiledRows(spec).map(({ value }) => value), [0.5, 0.8, 0.9, 0.7]);
  await renderSvg(spec);
});

Deno.test("calibrationChart() compares probabilities with what came true", async () => {
  const bin = (from: number, pixels: number, predicted: number, annotated: number) => {
    return { from, to: from + 0.25, pixels, predicted, annotated };
  };
  const bins = [
    bin(0, 1000, 0.01, 0),
    bin(0.25, 30, 0.3, 0.2),
    bin(0.5, 0, NaN, NaN),
    bin(0.75, 10, 0.9, 0.6),
  ];
  const spec = calibrationChart({ bins, error: 0.0123 });
  // (30 * 0.3 + 10 * 0.9) / 40 and (30 * 0.2 + 10 * 0.6) / 40
  assertEquals(titlesOf(spec), {
    title: "Pixels above 25 %: 45 % predicted on the mean, 30 % annotated",
    subtitle: "Dashed: probability and share are equal. Expected calibration error 0.012",
  });
  const svg = await renderSvg(spec);
  const { concat } = spec as unknown as {
    concat: { data: { values: { x: number; y: number }[] } }[];
  };
  assertEquals(concat[0]!.data.values.map(({ x, y }) => [x, y]), [[1, 0], [30, 20], [90, 60]]);
  assert(textsOf(svg).includes("25–50"));
  const none = calibrationChart({ bins: [bin(0, 5, 0.01, 0)], error: 0.01 });
  assertEquals(titlesOf(none).title, "No pixel has a probability above the lowest bin");
});

Deno.test("filmConfusion() counts missed films and false alarms", async () => {
  const spec = filmConfusion(SCORES);
  assertEquals(
    titlesOf(spec).title,
    "1 of 4 pneumothoraces are missed, 1 of 2 films raise a false alarm",
  );
  assertEquals(compiledRows(spec).map(({ value }) => value), [1, 1, 1, 3]);
  await renderSvg(spec);
});

Deno.test("errorsBySize() compares the smaller half with the larger", async () => {
  const spec = errorsBySize(SCORES);
  assertEquals(titlesOf(spec), {
    title: "Mean dice 0.100 of the smaller half, 0.800 of the larger",
    subtitle: "Each dot is a film with pneumothorax; 1 of 4 are missed altogether",
  });
  assertEquals(compiledRows(spec).map(({ x, y }) => [x, y]), [
    [6.25, 0.2],
    [12.5, 0],
    [25, 0.9],
    [50, 0.7],
  ]);
  await renderSvg(spec);
});

Deno.test("errorsByGroup() shows the dice of each group that occurs", async () => {
  const spec = errorsByGroup(SCORES)!;
  assertEquals(titlesOf(spec).title, "Median dice from 0.20 (women) to 0.70 (men)");
  assertEquals(compiledRows(spec).map(({ name, value }) => [name, value]), [
    ["women (1)", 0.2],
    ["men (3)", 0],
    ["men (3)", 0.9],
    ["men (3)", 0.7],
  ]);
  await renderSvg(spec);
  assertEquals(errorsByGroup([score(5, 1)]), undefined);
});

Deno.test("heldOutScores() says what the fitted rule is worth on other films", async () => {
  const spec = heldOutScores([
    { name: "fitted rule", validation: 0.9, test: 0.8 },
    { name: "experiment's rule", validation: 0.85, test: 0.83 },
  ], { validation: metrics(0.9), test: { ...metrics(0.8), diceAllEmpty: 0.6, count: 40 } });
  assertEquals(
    titlesOf(spec).title,
    "On test films the fitted rule scores 0.800, 0.030 less than the experiment's rule",
  );
  assertEquals(compiledRows(spec).map(({ value }) => value), [0.9, 0.8, 0.85, 0.83, 0.5, 0.6]);
  await renderSvg(spec);
});

Deno.test("shiftedDiceChart() compares the smallest mask with the largest", async () => {
  const [small, large] = [score(10486, 1).film, score(104858, 1).film];
  const point = (film: Film, shift: number, dice: number) => ({ film, shift, dice, iou: 0 });
  const spec = shiftedDiceChart([
    point(large, 0, 1),
    point(large, 8, 0.9),
    point(small, 0, 1),
    point(small, 8, 0.4),
  ]);
  assertEquals(
    titlesOf(spec).title,
    "8 px aside, the smallest mask has a dice of 0.40, the largest 0.90",
  );
  assertEquals(compiledRows(spec).map(({ series, y }) => [series, y]), [
    ["1.0 % of the film", 1],
    ["1.0 % of the film", 0.4],
    ["10 % of the film", 1],
    ["10 % of the film", 0.9],
  ]);
  await renderSvg(spec);
});

Deno.test("modelSizes() and activationCurves() draw what was computed", async () => {
  const sizes = modelSizes([
    { label: "a", parameters: 2_000_000 },
    { label: "b", parameters: 1_500_000 },
  ], { x: "model", subtitle: "built" });
  assertEquals(titlesOf(sizes).title, "From 1.5 (b) to 2.0 million parameters (a)");
  assertEquals(compiledRows(sizes).map(({ value }) => value), [2, 1.5]);
  const curves = activationCurves([-1, 1], [
    { name: "ReLU", values: [0, 1], slopes: [0, 1] },
    { name: "LeakyReLU", values: [-0.1, 1], slopes: [0.1, 1] },
  ]);
  assertEquals(titlesOf(curves).title, "Slope 0 everywhere below zero: ReLU");
  await renderSvg(curves);
  await renderSvg(sizes);
});

Deno.test("featurePictures() puts the film in front of each map", () => {
  const film = new Uint8Array(16);
  const map = {
    name: "",
    stride: 2,
    channels: 96,
    size: 2,
    pictures: [Uint8Array.of(0, 51, 102, 255)],
  };
  const pictures = featurePictures([map, { ...map, stride: 4 }], film);
  assertEquals(pictures.map(({ caption }) => caption), [
    "stride 2",
    "2 x 2, of 96",
    "stride 4",
    "2 x 2, of 96",
  ]);
  const values = Array.from(pictures[1]!.probabilities!, (value) => +value.toFixed(3));
  assertEquals(values, [0, 0.2, 0.4, 1]);
});

function member(size: number, id: string): Member {
  const run = {
    id,
    experiment: {
      name: `phantom/${size}`,
      data: { size },
      training: { loss: { bce: 1, dice: 2 } },
    },
    metrics: [{}, {}],
  } as unknown as Run;
  return { run, checkpoint: "final" };
}

Deno.test("ensembleFlow() has a view for each model and side, and the rule's steps", async () => {
  const members = [member(256, "a"), member(192, "b")];
  const spec = ensembleFlow(members, { flip: true, rule: "threshold 0.5, components of 9 px" });
  assertEquals(titlesOf(spec).title, "4 predictions of a film become one mask");
  const texts = textsOf(await renderSvg(spec));
  for (
    const text of ["as it is, 256 x 256", "mirrored, 192 x 192", "phantom/192", "threshold 0.5"]
  ) {
    assert(texts.includes(text), text);
  }
  const plain = ensembleFlow(members.slice(1), { flip: false, rule: "threshold 0.5" });
  assert(!textsOf(await renderSvg(plain)).some((text) => text.includes("mirror")));
});

Deno.test("wholeFlow() shows the numbers that it is given", async () => {
  const members = [member(256, "b"), member(128, "a")];
  const spec = wholeFlow({
    files: 280,
    films: { train: 238, test: 40 },
    excluded: 2,
    split: { training: 202, validation: 36 },
    stages: [members[1]!.run, members[0]!.run],
    members,
    dice: 0.9694,
    submission: { films: 40, positives: 17 },
  });
  assertEquals(titlesOf(spec).title, "280 files, 2 stages, 2 models: one submission");
  const texts = textsOf(await renderSvg(spec));
  const expected = [
    "280 files",
    "238 annotated",
    "2 left out",
    "202 to train",
    "1: 128 px, 2 epochs",
  ];
  for (const text of [...expected, "bce + 2 dice", "dice 0.969", "17 marked"]) {
    assert(texts.includes(text), text);
  }
});

Deno.test("ensemblePictures() shows each model's maps and what they come to", () => {
  const map = () => new Float32Array(4);
  const grey = new Uint8Array(4);
  const views = ["a", "b"].map((id) => {
    return { member: member(192, id), plain: map(), mirrored: map(), mean: map() };
  });
  const pictures = ensemblePictures({ size: 2, members: views, mean: map() }, {
    grey,
    truth: grey,
    prediction: grey,
  });
  assertEquals(pictures.length, 12);
  assert(pictures[1]!.probabilities === views[0]!.plain);
  assert(pictures[6]!.probabilities === views[1]!.mirrored);
  assertEquals(pictures.at(-1)!.caption, "both");
});

Deno.test("bestMedianWorst() takes each film once", () => {
  const scores = Array.from({ length: 9 }, (_, i) => ({ dice: i / 10 }));
  const places = (count: number, of: number) =>
    bestMedianWorst(scores.slice(0, of), count).map(({ place, score }) => `${place} ${score.dice}`);
  assertEquals(places(1, 9), ["best 0.8", "median 0.4", "worst 0"]);
  assertEquals(places(2, 9), [
    "best 0.8",
    "best 0.7",
    "median 0.5",
    "median 0.4",
    "worst 0.1",
    "worst 0",
  ]);
  assertEquals(places(2, 3), ["best 0.2", "best 0.1", "worst 0"]);
  assertEquals(places(4, 0), []);
});
