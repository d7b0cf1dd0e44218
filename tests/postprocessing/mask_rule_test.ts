import { assertEquals, assertThrows } from "@std/assert";
import { FILM_SIZE } from "@/data/mod.ts";
import { type MaskRule, ruleText, toMask } from "@/postprocessing/mod.ts";

/** A map of zeros with some filled squares. */
function mapOf(...squares: { at: number; side: number; value: number }[]): Float32Array {
  const map = new Float32Array(FILM_SIZE * FILM_SIZE);
  for (const { at, side, value } of squares) {
    for (let y = at; y < at + side; y++) {
      map.fill(value, y * FILM_SIZE + at, y * FILM_SIZE + at + side);
    }
  }
  return map;
}

const area = (mask: Uint8Array) => mask.reduce((sum, value) => sum + value, 0);

const THRESHOLD: MaskRule = { rule: "threshold", flip: true, threshold: 0.5, minimumArea: 100 };
const TRIPLET: MaskRule = { rule: "triplet", flip: true, top: 0.75, area: 100, bottom: 0.3 };

Deno.test("toMask() thresholds, then drops regions that are too small", () => {
  const map = mapOf(
    { at: 0, side: 10, value: 0.6 }, // just large enough
    { at: 100, side: 9, value: 0.9 }, // too small, however certain
    { at: 200, side: 50, value: 0.5 }, // not above the threshold
  );
  const mask = toMask(map, THRESHOLD);
  assertEquals([area(mask), mask[0], mask[100 * FILM_SIZE + 100]], [100, 1, 0]);
  assertEquals(area(toMask(map, { ...THRESHOLD, minimumArea: 101 })), 0);
  assertEquals(area(toMask(map, { ...THRESHOLD, minimumArea: 0 })), 181);
  assertEquals(area(toMask(map, { ...THRESHOLD, threshold: 0.4 })), 2600);
});

Deno.test("toMask() of the triplet rule is all or nothing", () => {
  const sure = mapOf({ at: 0, side: 10, value: 0.8 }, { at: 100, side: 9, value: 0.4 });
  assertEquals(area(toMask(sure, TRIPLET)), 181);
  assertEquals(area(toMask(sure, { ...TRIPLET, area: 101 })), 0);
  assertEquals(area(toMask(sure, { ...TRIPLET, top: 0.85 })), 0);
  assertEquals(area(toMask(sure, { ...TRIPLET, bottom: 0.5 })), 100);
});

Deno.test("toMask() refuses what is no map of probabilities at full size", () => {
  const small = new Float32Array(512 * 512);
  assertThrows(() => toMask(small, THRESHOLD), RangeError, "1024 x 1024 values: 262144");
  const broken = mapOf({ at: 5, side: 1, value: NaN });
  for (const rule of [THRESHOLD, TRIPLET]) {
    assertThrows(() => toMask(broken, rule), RangeError, "NaN");
  }
});

const WORDS: [rule: MaskRule, text: string][] = [
  [{ rule: "threshold", flip: false, threshold: 0.5, minimumArea: 0 }, "threshold 0.5"],
  [
    { rule: "threshold", flip: true, threshold: 0.4, minimumArea: 500, bySex: { M: 0.3, F: 0.6 } },
    "mirrored too, threshold 0.4, for men 0.3, for women 0.6, components of 500 px or more",
  ],
  [
    { rule: "triplet", flip: false, top: 0.75, area: 2000, bottom: 0.3, minimumRegion: 9 },
    "2000 px above 0.75, then threshold 0.3, components of 9 px or more",
  ],
];
for (const [rule, text] of WORDS) {
  Deno.test(`ruleText() says "${text}"`, () => assertEquals(ruleText(rule), text));
}
