import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  fittingAreas,
  fittingBySex,
  fittingSteps,
  fittingThresholds,
  fittingTriplets,
  renderSvg,
  type TopLevelSpec,
} from "@/plots/mod.ts";
import type { Fitting, MaskRule } from "@/postprocessing/mod.ts";

const base = { rule: "threshold", flip: true, threshold: 0.4, minimumArea: 0 } as const;
const triplet = { rule: "triplet", flip: true, top: 0.7, area: 10, bottom: 0.3 } as const;

type Tried = { rule: MaskRule; dice: number }[];

/** A step that is kept if the best of what it tried is better. */
function step(name: Fitting["steps"][number]["name"], before: number, tried: Tried) {
  const best = tried.reduce((best, next) => next.dice > best.dice ? next : best);
  return { name, before, after: best.dice, kept: best.dice > before, rule: best.rule, tried };
}

const FITTING: Fitting = {
  rule: triplet,
  dice: 0.8,
  films: 36,
  steps: [
    step(
      "threshold",
      0.5,
      [0.3, 0.4, 0.5].map((threshold, i) => {
        return { rule: { ...base, threshold }, dice: [0.6, 0.7, 0.5][i]! };
      }),
    ),
    step("components", 0.7, [{ rule: { ...base, minimumArea: 500 }, dice: 0.65 }]),
    step("triplet", 0.7, [
      { rule: triplet, dice: 0.8 },
      { rule: { ...triplet, bottom: 0.4 }, dice: 0.2 },
      { rule: { ...triplet, area: 20 }, dice: 0.6 },
      { rule: { ...triplet, top: 0.9 }, dice: 0.3 },
      { rule: { ...triplet, top: 0.9, area: 20, minimumRegion: 5 }, dice: 0.35 },
      { rule: { ...triplet, top: 0.9, area: 20 }, dice: 0.4 },
    ]),
    step("bySex", 0.8, [
      { rule: { ...triplet, bySex: { M: 0.3, F: 0.3 } }, dice: 0.8 },
      { rule: { ...triplet, bySex: { M: 0.4, F: 0.3 } }, dice: 0.7 },
      { rule: { ...triplet, bySex: { M: 0.3, F: 0.4 } }, dice: 0.75 },
    ]),
  ],
};

// deno-lint-ignore no-explicit-any
const valuesOf = (chart: TopLevelSpec) => (chart as any).data.values as Record<string, unknown>[];
// deno-lint-ignore no-explicit-any
const titleOf = (chart: TopLevelSpec) => (chart as any).title.text as string;

Deno.test("fittingSteps() shows the score before and after each step", async () => {
  const chart = fittingSteps(FITTING);
  assertEquals(titleOf(chart), "2 of 4 steps are kept: dice 0.500 becomes 0.800");
  assertEquals(valuesOf(chart).map(({ label, value }) => [label, value]), [
    ["threshold, kept", 0.5],
    ["threshold, kept", 0.7],
    ["small components", 0.7],
    ["small components", 0.65],
    ["triplet, kept", 0.7],
    ["triplet, kept", 0.8],
    ["by sex", 0.8],
    ["by sex", 0.8],
  ]);
  assertStringIncludes(await renderSvg(chart), "of the 36 films that the rule is fitted to");
});

Deno.test("fittingThresholds() and fittingAreas() show what was tried", () => {
  const thresholds = fittingThresholds(FITTING);
  assertEquals(titleOf(thresholds), "The best threshold adds 0.200 and is kept");
  assertEquals(valuesOf(thresholds).map(({ x, y }) => [x, y]), [
    [0.3, 0.6],
    [0.4, 0.7],
    [0.5, 0.5],
  ]);
  const areas = fittingAreas(FITTING);
  assertEquals(titleOf(areas), "Dropping small components does not help: 0.650");
  assertEquals(valuesOf(areas).map(({ x, y }) => [x, y]), [[0, 0.7], [500, 0.65]]);
});

Deno.test("fittingTriplets() shows the best of each pair of top and area", async () => {
  const chart = fittingTriplets(FITTING);
  assertEquals(titleOf(chart), "The triplet rule adds 0.100 and is kept");
  assertEquals(valuesOf(chart).map(({ row, column, value }) => [row, column, value]), [
    [0, 0, 0.8],
    [0, 1, 0.6],
    [1, 0, 0.3],
    [1, 1, 0.4],
  ]);
  const svg = await renderSvg(chart);
  for (const label of ["0.7", "0.9", "10", "20"]) assertStringIncludes(svg, `>${label}</text>`);
});

Deno.test("fittingBySex() shows the levels of one sex beside the other's common one", () => {
  const chart = fittingBySex(FITTING)!;
  assertEquals(titleOf(chart), "A threshold for each sex does not help: 0.800");
  assertEquals(valuesOf(chart).map(({ series, x, y }) => [series, x, y]), [
    ["men", 0.3, 0.8],
    ["men", 0.4, 0.7],
    ["women", 0.3, 0.8],
    ["women", 0.4, 0.75],
  ]);
  const others = FITTING.steps.filter(({ name }) => name !== "bySex");
  assertEquals(fittingBySex({ ...FITTING, steps: others }), undefined);
});

Deno.test("fittingTriplets() refuses a fitting that did not try any", () => {
  const steps = FITTING.steps.slice(0, 1);
  const draw = () => fittingTriplets({ ...FITTING, steps });
  assertThrows(draw, RangeError, "it was not tried: triplet. There are: threshold");
});
