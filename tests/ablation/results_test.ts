import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { join } from "node:path";
import {
  ablationChart,
  type AblationResults,
  ablationTable,
  readAblation,
  spread,
  writeAblation,
} from "@/ablation/mod.ts";
import { withFolder } from "../data/small_dataset.ts";

const RESULTS: AblationResults = {
  seeds: [1, 2],
  films: { training: 3, validation: 2, test: 4 },
  diceAllEmpty: 0.5,
  runs: [{ experiment: "baseline", seed: 1, run: "some run", commit: null }],
  rows: [
    { group: "loss", name: "dice", dice: [0.5, 0.7], dicePositive: [0, 1], diceNegative: [1, 1] },
    { group: "loss", name: "BCE", dice: [0.25], dicePositive: [0.5], diceNegative: [0] },
    { group: "other", name: "x", dice: [1], dicePositive: [1], diceNegative: [1] },
  ],
};

Deno.test("spread: mean and sample deviation by hand", () => {
  for (
    const [values, mean, deviation] of [
      [[1], 1, 0],
      [[0, 1], 0.5, Math.SQRT1_2],
      [[2, 4, 4, 4, 5, 5, 7, 9], 5, Math.sqrt(32 / 7)],
    ] as const
  ) {
    const found = spread(values);
    assertAlmostEquals(found.mean, mean, 1e-12);
    assertAlmostEquals(found.deviation, deviation, 1e-12);
  }
  assertThrows(() => spread([]), RangeError, "there are none");
});

Deno.test("the table holds means and deviations of all rows", () => {
  const [first, ...others] = ablationTable(RESULTS);
  assertEquals(first, {
    part: "loss",
    choice: "dice",
    dice: "0.600 ± 0.141",
    "with pneumothorax": "0.500 ± 0.707",
    "empty and right": "1.000 ± 0.000",
  });
  assertEquals(others.map(({ choice }) => choice), ["BCE", "x"]);
});

Deno.test("a group's chart has its own rows, and a title that names the best", () => {
  assertEquals(ablationChart(RESULTS, "loss"), {
    rows: [{ label: "dice", values: [0.5, 0.7] }, { label: "BCE", values: [0.25] }],
    title: "Best loss: dice, 0.600 ± 0.141",
  });
  assertThrows(() => ablationChart(RESULTS, "encoder"), RangeError, "no such group: encoder");
});

Deno.test("results are read as they were written", () =>
  withFolder(async (folder) => {
    const path = join(folder, "results.json");
    await writeAblation(RESULTS, path);
    assertEquals(await readAblation(path), RESULTS);
  }));
