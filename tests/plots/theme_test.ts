import { assert, assertEquals, assertThrows } from "@std/assert";
import { COLORS, colorsOf, FONT, INK, MUTED, NEUTRAL, PALETTE, THEME } from "@/plots/mod.ts";
import { contrast, distance } from "./color_vision.ts";

/** Names that may stand in one picture. */
const TOGETHER: (keyof typeof COLORS)[][] = [
  ["truth", "prediction"],
  ["both", "truth only", "prediction only"],
  ["positive", "negative"],
  ["train", "validation", "validation, positives"],
  ["validation", "test"],
  ["men", "women"],
  ["bce", "focal", "dice", "lovasz"],
  ["before", "after"],
];

/** Ten times what is just noticeable. */
const APART = 23;

function pairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((a, i) => items.slice(i + 1).map((b): [T, T] => [a, b]));
}

Deno.test("distance() and contrast() give the values of their definitions", () => {
  // CIE: white has L* 100, black 0. WCAG: black on white is 21. sRGB red to green, from its XYZ: 170.6.
  assertEquals(Math.round(distance("#FFFFFF", "#000000")), 100);
  assertEquals(Math.round(distance("#FF0000", "#00FF00")), 171);
  assertEquals(Math.round(10 * contrast("#000000", "#FFFFFF")), 210);
  // Without green cones a red and a green that are apart for others fall together.
  const [red, green] = ["#CC4400", "#888800"];
  assert(distance(red, green, "deuteranopia") < distance(red, green) / 2);
});

for (const names of TOGETHER) {
  Deno.test(`COLORS of ${names.join(" and ")} stay apart without red or green cones`, () => {
    for (const [a, b] of pairs(names)) {
      for (const cones of ["all", "protanopia", "deuteranopia"] as const) {
        const apart = distance(COLORS[a], COLORS[b], cones);
        assert(apart >= APART, `${a} and ${b}, ${cones}: ${apart.toFixed(0)}`);
      }
    }
  });
}

Deno.test("colorsOf() gives five unnamed series colours that stay apart for all", () => {
  for (const [a, b] of pairs(colorsOf(["1", "2", "3", "4", "5"]))) {
    for (const cones of ["all", "protanopia", "deuteranopia"] as const) {
      assert(distance(a, b, cones) >= APART, `${a} and ${b}, ${cones}`);
    }
  }
});

Deno.test("colorsOf() gives a name its own colour and no other series the same", () => {
  assertEquals(colorsOf(["a", "negative"]), [PALETTE.vermillion, PALETTE.blue]);
  assertEquals(colorsOf(["train", "validation"]), [COLORS.train, COLORS.validation]);
  const many = Array.from({ length: 8 }, (_, i) => `series ${i}`);
  assertThrows(() => colorsOf(many), RangeError, "more than 7: 8");
});

Deno.test("THEME draws readable text on a background of its own", () => {
  // GitHub and JupyterLab put pictures on light and on dark pages: none may be transparent.
  assertEquals(THEME.background, "#FFFFFF");
  const title = THEME.title as { color: string; subtitleColor: string };
  for (const color of [INK, title.color, title.subtitleColor]) {
    assert(contrast(color, "#FFFFFF") >= 4.5, color);
  }
  // Marks need less (WCAG 1.4.11 asks for 3); sky and orange are drawn on dark films, or as areas.
  for (const color of [NEUTRAL, PALETTE.blue, PALETTE.vermillion, PALETTE.green, PALETTE.purple]) {
    assert(contrast(color, "#FFFFFF") >= 3, color);
  }
  assert(contrast(MUTED, "#FFFFFF") >= 2.5);
  for (const color of [PALETTE.sky, PALETTE.orange]) assert(contrast(color, "#404040") >= 4);
  assertEquals(THEME.font, FONT);
});
