import { assertEquals, assertThrows } from "@std/assert";
import { decodeRle, encodeRle, rleArea, uniteRles } from "@/data/mod.ts";
import { Random } from "@/random/mod.ts";
import reference from "./rle_vectors.json" with { type: "json" };

/** A picture of a mask, one string of 0 and 1 a row, as a row-major mask. */
function maskOf(rows: readonly string[]): Uint8Array {
  return Uint8Array.from(rows.join(""), Number);
}

for (const { name, width, height, mask, encoded } of reference.vectors) {
  Deno.test(`encodeRle() agrees with the reference vector: ${name}`, () => {
    assertEquals(encodeRle(maskOf(mask), width, height), encoded);
  });
  Deno.test(`decodeRle() agrees with the reference vector: ${name}`, () => {
    assertEquals(decodeRle(encoded, width, height), maskOf(mask));
  });
}

for (const { name, width, height, rows, union, unionEncoded } of reference.multiRow) {
  Deno.test(`uniteRles() agrees with the reference vector: ${name}`, () => {
    const united = uniteRles(rows, width, height);
    assertEquals(united, maskOf(union));
    assertEquals(encodeRle(united, width, height), unionEncoded);
  });
}

Deno.test("decodeRle() meets every text case of the reference", () => {
  for (const { rle, meaning } of reference.textCases) {
    if (meaning.startsWith("empty") && rle !== "") {
      assertEquals(decodeRle(rle, 4, 4), new Uint8Array(16));
    } else {
      assertThrows(() => decodeRle(rle, 4, 4), Error, "Cannot decode a mask", meaning);
    }
  }
});

const illTexts: [string, typeof SyntaxError | typeof RangeError][] = [
  ["", SyntaxError],
  ["   ", SyntaxError],
  ["5", SyntaxError],
  ["0 5 3", SyntaxError],
  ["1 2 x 3", SyntaxError],
  ["1.5 2", SyntaxError],
  ["1e1 2", SyntaxError],
  ["0x1 2", SyntaxError],
  ["-1 -1", RangeError],
  ["-3 2", RangeError],
  ["3 0", RangeError],
  ["3 -2", RangeError],
  ["15 2", RangeError],
  ["16 1", RangeError],
  ["0 99999999999999999999", RangeError],
];
for (const [text, errorClass] of illTexts) {
  Deno.test(`decodeRle() refuses ${JSON.stringify(text)}`, () => {
    assertThrows(() => decodeRle(text, 4, 4), errorClass, "Cannot decode a mask");
  });
}

Deno.test("decodeRle() accepts white space of every kind", () => {
  assertEquals(decodeRle("\t 5  2\n", 4, 4), decodeRle("5 2", 4, 4));
});

Deno.test("decodeRle() and encodeRle() are inverse for random masks of many densities", () => {
  for (let trial = 0; trial < 300; trial++) {
    const random = new Random(1, "rle", trial);
    const width = 1 + random.integer(20);
    const height = 1 + random.integer(20);
    const density = random.uniform();
    const mask = Uint8Array.from({ length: width * height }, () => random.chance(density) ? 1 : 0);
    const text = encodeRle(mask, width, height);
    assertEquals(decodeRle(text, width, height), mask);
    assertEquals(encodeRle(decodeRle(text, width, height), width, height), text);
    assertEquals(rleArea([text], width, height), mask.reduce((sum, value) => sum + value, 0));
  }
});

Deno.test("encodeRle() takes every value but 0 as foreground", () => {
  assertEquals(encodeRle(Uint8Array.of(0, 255, 1, 0), 2, 2), "1 2");
});

Deno.test("encodeRle() refuses a mask of another size and sizes that are not positive", () => {
  assertThrows(() => encodeRle(new Uint8Array(5), 2, 2), RangeError, "it holds 5");
  assertThrows(() => encodeRle(new Uint8Array(0), 0, 2), RangeError, "0 x 2");
  assertThrows(() => decodeRle("-1", 2.5, 2), RangeError, "2.5 x 2");
});

Deno.test("uniteRles() and rleArea() agree with painting each row, for random rows", () => {
  for (let trial = 0; trial < 100; trial++) {
    const random = new Random(2, "unite", trial);
    const rows: string[] = [];
    const expected = new Uint8Array(7 * 9);
    for (let row = 0; row < 1 + random.integer(4); row++) {
      const mask = Uint8Array.from(expected, () => random.chance(0.3) ? 1 : 0);
      mask[random.integer(mask.length)] = 1;
      mask.forEach((value, i) => expected[i]! |= value);
      rows.push(encodeRle(mask, 7, 9));
    }
    assertEquals(uniteRles(rows, 7, 9), expected);
    assertEquals(rleArea(rows, 7, 9), expected.reduce((sum, value) => sum + value, 0));
  }
});

Deno.test("uniteRles() is empty only when every row says so", () => {
  assertEquals(uniteRles([" -1"], 2, 2), new Uint8Array(4));
  assertEquals(uniteRles(["-1", "-1"], 2, 2), new Uint8Array(4));
  assertThrows(() => uniteRles(["-1", "0 1"], 2, 2), RangeError, "1 of 2 rows");
  assertThrows(() => uniteRles([], 2, 2), RangeError, "no row");
});
