import { assertEquals, assertThrows } from "@std/assert";
import { applyContrast, contrastTable } from "@/data/mod.ts";
import reference from "./contrast_vectors.json" with { type: "json" };

function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size * size }, (_, i) => {
    const x = i % size;
    const y = Math.floor(i / size);
    return (37 * x + 91 * y + 13 * x * y) % 256;
  });
}

for (const { size, low, high, expected } of reference.cases) {
  Deno.test(`applyContrast() agrees with numpy at ${low}-${high} %, size ${size}`, () => {
    const actual = [...applyContrast(pattern(size), { kind: "percentile", low, high })];
    if (typeof expected === "number") {
      const sum = actual.reduce((total, value, i) => total + value * (i + 1), 0);
      assertEquals(sum, expected);
    } else {
      assertEquals(actual, expected);
    }
  });
}

Deno.test("applyContrast() copies under `none`, and where there is no contrast", () => {
  const pixels = Uint8Array.of(3, 200, 7, 0);
  const copy = applyContrast(pixels, { kind: "none" });
  assertEquals(copy, pixels);
  copy[0] = 9;
  assertEquals(pixels[0], 3);
  const flat = new Uint8Array(9).fill(77);
  assertEquals(applyContrast(flat, { kind: "percentile", low: 1, high: 99 }), flat);
});

Deno.test("contrastTable() stretches between the percentiles, and beyond them is black or white", () => {
  // Of 0 to 100 the percentiles 10 and 60 are 10 and 60.
  const pixels = Uint8Array.from({ length: 101 }, (_, i) => i);
  const table = contrastTable(pixels, { kind: "percentile", low: 10, high: 60 });
  assertEquals([0, 10, 11, 35, 59, 60, 61, 255].map((value) => table[value]), [
    ...[0, 0, 5, 128, 250, 255, 255, 255],
  ]);
});

Deno.test("applyContrast() refuses senseless percentiles and no pixels", () => {
  const pixels = new Uint8Array(4);
  for (const [low, high] of [[50, 50], [60, 40], [-1, 99], [0, 101], [NaN, 99]] as const) {
    assertThrows(
      () => applyContrast(pixels, { kind: "percentile", low, high }),
      RangeError,
      `${low}, ${high}`,
    );
  }
  const percentile = { kind: "percentile", low: 0, high: 100 } as const;
  assertThrows(() => applyContrast(new Uint8Array(0), percentile), RangeError, "no pixel");
});
