import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import sharp from "sharp";
import { readMaskPng } from "@/data/mod.ts";
import { withFolder } from "./small_dataset.ts";

const shape = { width: 3, height: 2 };
const expected = Uint8Array.of(0, 1, 0, 1, 1, 0);

/** The mask above with another value for each level. */
function levels(black: number, white: number): Uint8Array {
  return expected.map((value) => value === 0 ? black : white);
}

const raw = (channels: 1 | 3 | 4) => ({ raw: { ...shape, channels } });
const grey = (pixels: Uint8Array) => sharp(pixels, raw(1)).toColourspace("b-w");
const rgba = (at: (value: number) => number[]) =>
  sharp(Uint8Array.from([...expected].flatMap(at)), raw(4)).png().toBuffer();

const readable: [string, () => Promise<Uint8Array>][] = [
  ["0 and 255", () => grey(levels(0, 255)).png().toBuffer()],
  ["0 and 1", () => grey(levels(0, 1)).png().toBuffer()],
  ["a palette", () => sharp(levels(0, 255), raw(1)).png({ palette: true }).toBuffer()],
  ["red on black", () => rgba((value) => [255 * value, 0, 0, 255])],
  ["white on nothing", () => rgba((value) => [255, 255, 255, 255 * value])],
  [
    "0 and 1 of 16 bits",
    () => sharp(Uint16Array.from(expected), raw(1)).toColourspace("grey16").png().toBuffer(),
  ],
];

for (const [name, encode] of readable) {
  Deno.test(`readMaskPng() reads a mask of ${name}`, () =>
    withFolder(async (folder) => {
      const path = join(folder, "mask.png");
      await Deno.writeFile(path, await encode());
      assertEquals(await readMaskPng(path, shape), expected);
    }));
}

Deno.test("readMaskPng() knows an empty mask and a full one", () =>
  withFolder(async (folder) => {
    const path = join(folder, "mask.png");
    for (const value of [0, 255]) {
      await Deno.writeFile(path, await grey(new Uint8Array(6).fill(value)).png().toBuffer());
      assertEquals(await readMaskPng(path, shape), new Uint8Array(6).fill(value && 1));
    }
  }));

Deno.test("readMaskPng() refuses what may mean something else", () =>
  withFolder(async (folder) => {
    const path = join(folder, "mask.png");
    const small = sharp(new Uint8Array(6), { raw: { width: 2, height: 3, channels: 1 } });
    const cases: [string, Uint8Array][] = [
      ["more than two levels", await grey(Uint8Array.of(0, 1, 2, 0, 0, 0)).png().toBuffer()],
      ["neither is black", await grey(levels(1, 2)).png().toBuffer()],
      ["film's size of 3 x 2: 2 x 3", await small.png().toBuffer()],
      ["cannot be read", new TextEncoder().encode("no picture")],
      ["cannot be read", (await grey(levels(0, 255)).png().toBuffer()).subarray(0, 40)],
    ];
    for (const [message, bytes] of cases) {
      await Deno.writeFile(path, bytes);
      await assertRejects(() => readMaskPng(path, shape), RangeError, message);
    }
  }));
