import { assertEquals, assertThrows } from "@std/assert";
import { FILM_SIZE, maskCoverage } from "@/data/mod.ts";
import { rectangle } from "./small_dataset.ts";

const FULL = `0 ${FILM_SIZE * FILM_SIZE}`;

Deno.test("maskCoverage() is the share of the films that mark each cell", () => {
  // Cells of 256 px. First film: 128 of the 256 columns of the cell in row 0, column 3.
  // Second film: that cell as a whole, and a quarter of the one in row 2, column 0.
  const films = [
    { rows: [rectangle(768, 0, 128, 256)] },
    { rows: [rectangle(768, 0, 256, 256), rectangle(128, 512, 128, 128)] },
  ];
  assertEquals(
    [...maskCoverage(films, 4)],
    [
      ...[0, 0, 0, (0.5 + 1) / 2],
      ...[0, 0, 0, 0],
      ...[0.25 / 2, 0, 0, 0],
      ...[0, 0, 0, 0],
    ],
  );
});

Deno.test("maskCoverage() counts what several rows of a film mark once", () => {
  const rows = [rectangle(0, 0, 512, 512), rectangle(256, 0, 256, 512)];
  assertEquals([...maskCoverage([{ rows }, { rows: ["-1"] }], 2)], [0.5, 0, 0, 0]);
});

Deno.test("maskCoverage() stays exact over many films", () => {
  // Sums of 100 x 1,048,576 shares in single precision would stop at 0.25.
  const films = Array.from({ length: 100 }, () => ({ rows: [FULL] }));
  assertEquals([...maskCoverage(films, 1)], [1]);
});

Deno.test("maskCoverage() of single pixels is the mask itself", () => {
  const coverage = maskCoverage([{ rows: ["1024 1"] }], FILM_SIZE);
  assertEquals(coverage.length, FILM_SIZE * FILM_SIZE);
  assertEquals(coverage.indexOf(1), 1, "the second column's first pixel");
  assertEquals(coverage.reduce((sum, value) => sum + value, 0), 1);
});

Deno.test("maskCoverage() refuses no films, and cells that do not divide the film", () => {
  assertThrows(() => maskCoverage([], 4), RangeError, "there is no film");
  for (const cells of [0, -4, 3, 2.5, 2048, NaN]) {
    assertThrows(() => maskCoverage([{ rows: ["-1"] }], cells), RangeError, `1024: ${cells}`);
  }
  assertThrows(() => maskCoverage([{ rows: [] }], 4), RangeError, "there is no row");
});
