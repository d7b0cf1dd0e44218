import { assert, assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { resizeArea, resizeMask } from "@/data/mod.ts";
import { Random } from "@/random/mod.ts";
import reference from "./area_vectors.json" with { type: "json" };

/** The test image that the reference was computed from. */
function pattern(size: number): Uint8Array {
  const pixels = new Uint8Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) pixels[y * size + x] = (37 * x + 91 * y + 13 * x * y) % 256;
  }
  return pixels;
}

/** The mean over each output pixel by brute force: every input pixel cut into `to * to` pieces. */
function meanByPieces(pixels: Uint8Array, from: number, to: number): number[] {
  const sums = new Array<number>(to * to).fill(0);
  const side = from * to;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const target = Math.floor(y / from) * to + Math.floor(x / from);
      sums[target]! += pixels[Math.floor(y / to) * from + Math.floor(x / to)]!;
    }
  }
  return sums.map((sum) => sum / (from * from));
}

for (const { from, to, expected } of reference.cases) {
  Deno.test(`resizeArea() agrees with OpenCV from ${from} to ${to}`, () => {
    const actual = resizeArea(pattern(from), from, to);
    assertEquals(actual.length, expected.length);
    const different = expected.filter((value, i) => value !== actual[i]);
    for (const [i, value] of expected.entries()) {
      assertLessOrEqual(Math.abs(actual[i]! - value), 1, `pixel ${i}`);
    }
    // Only an exact half may differ, which OpenCV rounds to even.
    const halves = meanByPieces(pattern(from), from, to).filter((mean) => mean % 1 === 0.5);
    assertLessOrEqual(different.length, from === 2 * to ? 0 : halves.length);
  });
}

Deno.test("resizeArea() is the exact mean, halves up, for any sizes", () => {
  for (let from = 1; from <= 13; from++) {
    for (let to = 1; to <= from; to++) {
      const expected = meanByPieces(pattern(from), from, to).map((mean) => Math.floor(mean + 0.5));
      assertEquals([...resizeArea(pattern(from), from, to)], expected, `${from} to ${to}`);
    }
  }
});

Deno.test("resizeArea() through levels equals levels first, at any sizes", () => {
  const levels = Uint8Array.from({ length: 256 }, (_, value) => (value * 167 + 5) % 256);
  for (let from = 1; from <= 12; from++) {
    for (let to = 1; to <= from; to++) {
      const first = pattern(from).map((value) => levels[value]!);
      const found = resizeArea(pattern(from), from, to, levels);
      assertEquals(found, resizeArea(first, from, to), `${from} to ${to}`);
    }
  }
});

Deno.test("resizeArea() keeps a constant image at the competition's sizes", () => {
  const white = new Uint8Array(1024 * 1024).fill(255);
  for (const size of [192, 256, 320, 512, 768, 1023, 1024]) {
    const small = resizeArea(white, 1024, size);
    assertEquals(small.length, size * size);
    assert(small.every((value) => value === 255), `${size}`);
  }
});

Deno.test("resizeArea() refuses to enlarge and images of another size", () => {
  assertThrows(() => resizeArea(new Uint8Array(4), 2, 3), RangeError, "2 to 3");
  assertThrows(() => resizeArea(new Uint8Array(4), 2, 0), RangeError, "2 to 0");
  assertThrows(() => resizeArea(new Uint8Array(4), 2, 1.5), RangeError, "2 to 1.5");
  assertThrows(() => resizeArea(new Uint8Array(5), 2, 1), RangeError, "values: 5");
  assertThrows(() => resizeMask(new Uint8Array(5), 2, 2), RangeError, "values: 5");
});

Deno.test("resizeMask() sets a pixel if at least half of its area was set", () => {
  const mask = Uint8Array.from("1100" + "0000" + "1110" + "1000", Number);
  assertEquals([...resizeMask(mask, 4, 2)], [1, 0, 1, 0]);
  assertEquals([...resizeMask(Uint8Array.from("110110000", Number), 3, 2)], [1, 0, 0, 0]);
});

Deno.test("resizeMask() never empties a positive, and never fills a negative", () => {
  for (let place = 0; place < 64; place++) {
    const mask = new Uint8Array(64);
    mask[place] = 1;
    for (const size of [1, 2, 3, 4, 5, 8]) {
      const small = resizeMask(mask, 8, size);
      const set = small.reduce((sum, value) => sum + value, 0);
      assert(set >= 1 && set <= 4, `pixel ${place} at size ${size}: ${set} set`);
    }
  }
  assertEquals(resizeMask(new Uint8Array(64), 8, 2), new Uint8Array(4));
  // Of several lost pieces the largest stays.
  const two = new Uint8Array(64);
  two.set([1, 1], 0);
  two[63] = 1;
  assertEquals([...resizeMask(two, 8, 2)], [1, 0, 0, 0]);
});

Deno.test("resizeMask() keeps the area of a large region within its border", () => {
  const random = new Random(3, "disc");
  const radius = 20 + random.uniform(0, 5);
  const mask = new Uint8Array(96 * 96);
  for (let y = 0; y < 96; y++) {
    for (let x = 0; x < 96; x++) mask[y * 96 + x] = Math.hypot(x - 48, y - 45) < radius ? 1 : 0;
  }
  const area = mask.reduce((sum, value) => sum + value, 0);
  for (const size of [48, 40, 24]) {
    const small = resizeMask(mask, 96, size).reduce((sum, value) => sum + value, 0);
    assertLessOrEqual(Math.abs(small * (96 / size) ** 2 / area - 1), 0.05, `${size}`);
  }
});
