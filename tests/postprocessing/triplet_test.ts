import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  countAboveLevels,
  dice,
  maskOverlap,
  searchTriplet,
  threshold,
  type Triplet,
  tripletRule,
  TripletSearch,
} from "@/postprocessing/mod.ts";
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

Deno.test("countAboveLevels() counts as one threshold after the other, levels in any order", () => {
  const random = new Random(7, "levels");
  // The last three are so near that one cell of the table holds them.
  const levels = [0.5, 0, 0.25, 1, 0.5, 0.9, 0.9001, 0.90005];
  // Some probabilities lie exactly on a level: they do not exceed it.
  const map = Float32Array.from({ length: 400 }, (_, i) => i % 4 === 0 ? 0.25 : random.uniform());
  map.set([0, 1, 0.9, 0.90003, 0.90007, 0.90012]);
  const truth = Uint8Array.from(map, () => random.uniform() < 0.3 ? 255 : 0);
  const { above, common, annotated } = countAboveLevels(map, truth, levels);
  for (const [i, level] of levels.entries()) {
    const { predicted, ...overlap } = maskOverlap(threshold(map, level), truth);
    assertEquals([above[i], common[i], annotated], [
      predicted,
      overlap.common,
      overlap.annotated,
    ], `${level}`);
  }
  assertEquals(countAboveLevels(map, truth, []).annotated, annotated);
  assertThrows(() => countAboveLevels(map, truth, [1.5]), RangeError, "1.5");
  assertThrows(() => countAboveLevels(map, truth.subarray(1), levels), RangeError, "400, 399");
  assertThrows(
    () => countAboveLevels(Float32Array.of(NaN), truth.subarray(0, 1), [0.5]),
    RangeError,
  );
});

Deno.test("TripletSearch finds the triplet of an exhaustive search with tripletRule()", () => {
  const random = new Random(3, "triplet");
  const grid = { tops: [0.5, 0.75, 0.9], areas: [0, 5, 40, 90], bottoms: [0.2, 0.4, 0.6, 0.75] };
  const films = Array.from({ length: 12 }, (_, film) => {
    const strength = random.uniform();
    const truth = Uint8Array.from({ length: 100 }, (_, i) => film % 3 > 0 && i < 30 ? 1 : 0);
    const map = Float32Array.from(
      truth,
      (value) => strength * (value ? 1 : 0.8) * random.uniform(),
    );
    return { map, truth };
  });
  const search = new TripletSearch(grid);
  for (const { map, truth } of films) search.add(map, truth);
  let best = { triplet: { top: 0, area: 0, bottom: 0 }, dice: -1 };
  for (const top of grid.tops) {
    for (const area of grid.areas) {
      for (const bottom of grid.bottoms.filter((bottom) => bottom <= top)) {
        const triplet = { top, area, bottom };
        const scores = films.map(({ map, truth }) => dice(tripletRule(map, triplet), truth));
        const mean = scores.reduce((a, b) => a + b) / films.length;
        if (mean > best.dice) best = { triplet, dice: mean };
      }
    }
  }
  const found = search.best();
  assertEquals(found.triplet, best.triplet);
  assertAlmostEquals(found.dice, best.dice, 1e-12);
  assertThrows(() => new TripletSearch(grid).best(), RangeError, "no film");
});
