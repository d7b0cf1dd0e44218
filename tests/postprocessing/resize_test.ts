import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { flipHorizontal, resizeBilinear } from "@/postprocessing/mod.ts";
import reference from "./bilinear_vectors.json" with { type: "json" };

/** The test map that the reference was computed from. */
function pattern(size: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, i) => {
    const x = i % size;
    const y = Math.floor(i / size);
    return ((37 * x + 91 * y + 13 * x * y) % 256) / 256;
  });
}

for (const { from, to, expected } of reference.cases) {
  Deno.test(`resizeBilinear() agrees with OpenCV from ${from} to ${to}`, () => {
    const actual = resizeBilinear(pattern(from), from, to);
    assertEquals(actual.length, expected.length);
    for (const [i, value] of expected.entries()) {
      assertAlmostEquals(actual[i]!, value, 2e-6, `pixel ${i}`);
    }
  });
}

Deno.test("resizeBilinear() agrees with numbers worked by hand", () => {
  // Centres of the output lie at -0.25, 0.25, 0.75 and 1.25 of the input.
  const row = [0, 0.25, 0.75, 1];
  const expected = [row, row, row, row].flat();
  assertEquals([...resizeBilinear(Float32Array.of(0, 1, 0, 1), 2, 4)], expected);
});

Deno.test("resizeBilinear() keeps constants, and commutes with mirroring", () => {
  const constant = resizeBilinear(new Float32Array(25).fill(0.3), 5, 12);
  assert(constant.every((value) => value === Math.fround(0.3)));
  for (const [from, to] of [[5, 12], [12, 5], [8, 16]] as const) {
    const map = pattern(from);
    const a = flipHorizontal(resizeBilinear(map, from, to), to);
    const b = resizeBilinear(flipHorizontal(map, from), from, to);
    for (const [i, value] of a.entries()) assertAlmostEquals(b[i]!, value, 1e-6);
  }
});

Deno.test("resizeBilinear() copies at the same size", () => {
  const map = pattern(3);
  const copy = resizeBilinear(map, 3, 3);
  assertEquals(copy, map);
  assert(copy !== map);
});

Deno.test("resizeBilinear() refuses ill sizes", () => {
  assertThrows(() => resizeBilinear(new Float32Array(4), 2, 0), RangeError, "2 to 0");
  assertThrows(() => resizeBilinear(new Float32Array(4), 2, 2.5), RangeError, "2 to 2.5");
  assertThrows(() => resizeBilinear(new Float32Array(5), 2, 4), RangeError, "values: 5");
});
