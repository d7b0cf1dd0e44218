import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { applyContrast } from "@/data/mod.ts";
import reference from "./clahe_vectors.json" with { type: "json" };

function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size * size }, (_, i) => {
    const x = i % size;
    const y = Math.floor(i / size);
    return (3 * x + 5 * y + (7 * x * y) % 31 + Math.floor((x * x) / 9)) % 256;
  });
}

const apply = (pixels: Uint8Array, clipLimit: number, tiles: number) =>
  applyContrast(pixels, { kind: "clahe", clipLimit, tiles });

for (const { size, clipLimit, tiles, expected } of reference.cases) {
  Deno.test(`applyContrast() equals OpenCV's CLAHE, size ${size}, limit ${clipLimit}, ${tiles} tiles`, () => {
    const actual = apply(pattern(size), clipLimit, tiles);
    assertEquals(actual.length, expected.length);
    // OpenCV interpolates in single precision: now and then a grey value is rounded the other way.
    const differences = expected.map((value, i) => Math.abs(value - actual[i]!));
    assert(Math.max(...differences) <= 1, `${Math.max(...differences)}`);
    assertLess(differences.filter((difference) => difference > 0).length, 0.01 * expected.length);
  });
}

Deno.test("applyContrast() with CLAHE stretches each region by itself, and keeps its input", () => {
  // The left half lies between 10 and 40, the right half between 200 and 230.
  const size = 32;
  const pixels = Uint8Array.from(
    { length: size * size },
    (_, i) => (i % size < size / 2 ? 10 : 200) + (i * 7) % 31,
  );
  const before = pixels.slice();
  const equalized = apply(pixels, 40, 2);
  assertEquals(pixels, before);
  for (const start of [0, 28]) {
    const column = Array.from({ length: size }, (_, y) => equalized[y * size + start + y % 4]!);
    assert(Math.max(...column) - Math.min(...column) > 150, `columns from ${start}`);
  }
});

Deno.test("applyContrast() with CLAHE refuses senseless settings and images", () => {
  const image = new Uint8Array(64);
  const ill: [Uint8Array, number, number, string][] = [
    [image, 0, 2, "clipLimit must be > 0: 0"],
    [image, NaN, 2, "clipLimit must be > 0: NaN"],
    [image, 2, 0, "tiles must be an integer >= 1: 0"],
    [image, 2, 1.5, "tiles must be an integer >= 1: 1.5"],
    [image, 2, 9, "tiles must be at most the side 8: 9"],
    [new Uint8Array(60), 2, 2, "it has 60 pixels"],
    [new Uint8Array(0), 2, 2, "it has 0 pixels"],
  ];
  for (const [pixels, clipLimit, tiles, reason] of ill) {
    assertThrows(() => apply(pixels, clipLimit, tiles), RangeError, reason);
  }
});
