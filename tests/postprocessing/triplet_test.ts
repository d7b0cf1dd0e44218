import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { dice, searchTriplet, type Triplet, tripletRule } from "@/postprocessing/mod.ts";
import { Random } from "@/random/mod.ts";

const map = Float32Array.of(0.1, 0.4, 0.6, 0.8, 0.9);
const rules: [Triplet, number[]][] = [
  [{ top: 0.75, area: 2, bottom: 0.3 }, [0, 1, 1, 1, 1]],
  [{ top: 0.75, area: 3, bottom: 0.3 }, [0, 0, 0, 0, 0]],
  [{ top: 0.5, area: 3, bottom: 0.5 }, [0, 0, 1, 1, 1]],
  [{ top: 1, area: 0, bottom: 0 }, [1, 1, 1, 1, 1]],
];
for (const [triplet, expected] of rules) {
  Deno.test(`tripletRule() with ${JSON.stringify(triplet)}`, () => {
    assertEquals([...tripletRule(map, triplet)], expected);
  });
}

Deno.test("tripletRule() refuses ill rules and maps", () => {
  const ill: [Partial<Triplet>, string][] = [
    [{ top: 1.1 }, "top"],
    [{ bottom: -0.1 }, "bottom"],
    [{ bottom: 0.8 }, "0.8 > 0.75"],
    [{ area: -1 }, "area"],
    [{ area: NaN }, "area"],
  ];
  for (const [part, reason] of ill) {
    const triplet = { top: 0.75, area: 2, bottom: 0.3, ...part };
    assertThrows(() => tripletRule(map, triplet), RangeError, reason);
  }
  const triplet = { top: 0.75, area: 2, bottom: 0.3 };
  assertThrows(() => tripletRule(Float32Array.of(NaN), triplet), RangeError, "NaN");
});

Deno.test("searchTriplet() finds the best of the grid, as trying each triplet does", () => {
  for (let trial = 0; trial < 10; trial++) {
    const random = new Random(8, "triplet", trial);
    const truths = Array.from({ length: 12 }, (_, film) => {
      return Uint8Array.from({ length: 50 }, () => film % 3 === 0 && random.chance(0.3) ? 255 : 0);
    });
    const predictions = truths.map((truth) =>
      Float32Array.from(truth, (value) => random.uniform() * 0.6 + (value > 0 ? 0.3 : 0.1))
    );
    const grid = { tops: [0.5, 0.6, 0.7, 0.8], areas: [0, 2, 5, 9], bottoms: [0.2, 0.4, 0.55] };
    let highest = -1;
    let first: Triplet | undefined;
    for (const top of grid.tops) {
      for (const area of grid.areas) {
        for (const bottom of grid.bottoms.filter((level) => level <= top)) {
          let sum = 0;
          predictions.forEach((prediction, i) => {
            sum += dice(tripletRule(prediction, { top, area, bottom }), truths[i]!);
          });
          if (sum / predictions.length > highest) {
            highest = sum / predictions.length;
            first = { top, area, bottom };
          }
        }
      }
    }
    const found = searchTriplet(predictions, truths, grid);
    assertAlmostEquals(found.dice, highest, 1e-12);
    assertEquals(found.triplet, first);
  }
});

Deno.test("searchTriplet() refuses no films, other counts, and an empty grid", () => {
  const grid = { tops: [0.5], areas: [1], bottoms: [0.3] };
  const truth = new Uint8Array(5);
  assertThrows(() => searchTriplet([], [], grid), RangeError, "0 maps");
  assertThrows(() => searchTriplet([map], [truth, truth], grid), RangeError, "2 masks");
  assertThrows(() => searchTriplet([map], [new Uint8Array(4)], grid), RangeError, "lengths differ");
  assertThrows(
    () => searchTriplet([map], [truth], { ...grid, bottoms: [0.6] }),
    RangeError,
    "none",
  );
  assertThrows(() => searchTriplet([map], [truth], { ...grid, tops: [2] }), RangeError, "top");
});
