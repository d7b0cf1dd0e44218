import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { sha256 } from "@/files/mod.ts";
import { difficulties, type Difficulty, drawPhantom, type PhantomOptions } from "@/phantom/mod.ts";

const size = 128;

function hashes(seed: number, options: PhantomOptions): [string, string] {
  const { image, mask } = drawPhantom(seed, { size, ...options });
  return [sha256(image), sha256(mask)];
}

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

Deno.test("drawPhantom() gives the same film for the same seed, another for another", () => {
  for (const difficulty of ["clear", "realistic"] as const) {
    const options = { difficulty, positive: true };
    const first = hashes(7, options);
    drawPhantom(8, { size: 64 }); // what was drawn in between does not matter
    assertEquals(hashes(7, options), first);
    const other = hashes(8, options);
    assertNotEquals(other[0], first[0]);
    assertNotEquals(other[1], first[1]);
  }
});

Deno.test("drawPhantom() draws the mask inside the lungs, and none if negative", () => {
  for (let seed = 0; seed < 20; seed++) {
    const film = drawPhantom(seed, { size, positive: seed % 2 === 0, difficulty: "realistic" });
    assertEquals(film.image.length, size * size);
    assert(film.mask.every((pixel) => pixel === 0 || pixel === 1));
    assert(film.mask.every((pixel, i) => pixel <= film.lungs[i]!), `seed ${seed}`);
    assertEquals(film.mask.some((pixel) => pixel === 1), seed % 2 === 0, `seed ${seed}`);
    assertAlmostEquals(film.coverage, mean(film.mask), 1e-12);
    assertEquals(film.sides.length > 0, film.positive);
    const lungs = mean(film.lungs);
    assert(lungs > 0.15 && lungs < 0.45, `lungs cover ${lungs} of the film`);
  }
});

Deno.test("drawPhantom() covers the wanted share of the film", () => {
  for (const coverage of [0.01, 0.03, 0.06, 0.1]) {
    for (let seed = 0; seed < 4; seed++) {
      const film = drawPhantom(seed, { size: 256, positive: true, coverage });
      assertAlmostEquals(film.coverage, coverage, 0.2 * coverage, `seed ${seed}`);
    }
  }
});

Deno.test("drawPhantom() has the coverage and the prevalence of its difficulty", () => {
  // The competition's masks cover 0.82 % of the film in the median, the clear phantom's 4 %.
  const expected: [Difficulty, low: number, high: number][] = [
    ["realistic", 0.0055, 0.0125],
    ["clear", 0.031, 0.05],
  ];
  for (const [difficulty, low, high] of expected) {
    const covered: number[] = [];
    let positives = 0;
    for (let seed = 0; seed < 120; seed++) {
      const film = drawPhantom(seed, { size: 64, difficulty });
      if (film.positive) positives++;
      const { coverage } = film.positive
        ? film
        : drawPhantom(seed, { size: 64, difficulty, positive: true });
      covered.push(coverage);
    }
    const median = covered.sort((a, b) => a - b)[60]!;
    assert(median > low && median < high, `${difficulty}: median ${median}`);
    // Three standard deviations of a binomial share of 120.
    assertAlmostEquals(positives / 120, difficulties[difficulty].prevalence, 0.137);
  }
});

Deno.test("drawPhantom() draws gas darker than the lung around it", () => {
  for (let seed = 0; seed < 6; seed++) {
    const options = { size: 256, difficulty: "clear", coverage: 0.04 } as const;
    const sick = drawPhantom(seed, { ...options, positive: true });
    const healthy = drawPhantom(seed, { ...options, positive: false });
    let difference = 0;
    let pixels = 0;
    sick.mask.forEach((inside, i) => {
      if (!inside) return;
      difference += healthy.image[i]! - sick.image[i]!;
      pixels++;
    });
    assert(difference / pixels > 15, `seed ${seed}: ${difference / pixels} grey levels`);
  }
});

Deno.test("drawPhantom() takes sex and view as given, and draws them otherwise", () => {
  const film = drawPhantom(1, { size: 64, sex: "F", view: "AP" });
  assertEquals([film.sex, film.view], ["F", "AP"]);
  const drawn = Array.from({ length: 30 }, (_, seed) => drawPhantom(seed, { size: 64 }));
  assertEquals(new Set(drawn.map(({ sex }) => sex)), new Set(["M", "F"] as const));
  assertEquals(new Set(drawn.map(({ view }) => view)), new Set(["PA", "AP"] as const));
});

Deno.test("drawPhantom() refuses options out of range", () => {
  const bad: [PhantomOptions, string][] = [
    [{ size: 63 }, "size must be an even number from 64 to 2048: it is 63"],
    [{ size: 4096 }, "it is 4096"],
    [{ coverage: 0 }, "coverage must be above 0"],
    [{ coverage: 0.5 }, "it is 0.5"],
    [{ difficulty: "hard" as Difficulty }, "one of clear, realistic: it is hard"],
  ];
  for (const [options, message] of bad) {
    assertThrows(() => drawPhantom(1, options), RangeError, message);
  }
});
