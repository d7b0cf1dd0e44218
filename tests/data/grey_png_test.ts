import { join } from "node:path";
import sharp from "sharp";
import { assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { DatasetError, encodeGreyPng, readGreyPng } from "@/data/mod.ts";

const SIZE = 16;
const pixels = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => i % 256);
const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const path = join(folder, "image.png");
const good = new Uint8Array(await encodeGreyPng(pixels, SIZE));

/** The PNG with some bytes changed, from a position on. */
function changed(at: number, ...bytes: number[]): Uint8Array {
  const copy = good.slice();
  copy.set(bytes, at);
  return copy;
}

async function colourPng(): Promise<Uint8Array> {
  const create = { width: SIZE, height: SIZE, channels: 4, background: "#ff000080" } as const;
  return await sharp({ create }).png().toBuffer();
}

Deno.test("readGreyPng() gives back what encodeGreyPng() was given", async () => {
  await Deno.writeFile(path, good);
  assertEquals([...await readGreyPng(path, SIZE)], [...pixels]);
});

/** Noise, as in a film; a constant; runs, as in a mask; and what wraps around. */
const IMAGES: [name: string, pixel: (i: number) => number][] = [
  ["noise", (i) => (i * 7919 + 13) % 256 ^ (i * i) % 97],
  ["white", () => 255],
  ["a mask", (i) => i % 48 > 20 && i > 700 ? 255 : 0],
  ["extremes", (i) => i % 3 === 0 ? 255 : i % 7],
];

for (const size of [1, 2, 48]) {
  for (const [name, pixel] of IMAGES) {
    Deno.test(`encodeGreyPng() writes ${name} of ${size} px as libpng reads it`, async () => {
      const image = Uint8Array.from({ length: size * size }, (_, i) => pixel(i));
      const png = await encodeGreyPng(image, size);
      const { width, height, channels, depth } = await sharp(png).metadata();
      assertEquals([width, height, channels, depth], [size, size, 1, "uchar"]);
      assertEquals([...await sharp(png).toColourspace("b-w").raw().toBuffer()], [...image]);
    });
  }
}

Deno.test("encodeGreyPng() makes a mask small, and a smooth film smaller than its noise", async () => {
  const size = 256;
  const mask = Uint8Array.from({ length: size * size }, (_, i) => i % size > 200 ? 255 : 0);
  assertLess((await encodeGreyPng(mask, size)).length, 1000);
  const smooth = Uint8Array.from({ length: size * size }, (_, i) => {
    return 128 + 60 * Math.sin(i / size / 20) + (i * 7919 % 13) / 4;
  });
  assertLess((await encodeGreyPng(smooth, size)).length, 0.5 * size * size);
});

Deno.test("encodeGreyPng() refuses an image of another size", async () => {
  await assertRejects(() => encodeGreyPng(new Uint8Array(5), 2), RangeError, "2 x 2 pixels: 5");
});

const bad: [name: string, bytes: Uint8Array, message: string][] = [
  ["an empty file", new Uint8Array(0), "it is damaged"],
  ["a text", new TextEncoder().encode("ImageId"), "it is damaged"],
  ["a cut file", good.slice(0, -30), "it is damaged"],
  ["a changed pixel", changed(good.length - 30, good.at(-30)! ^ 1), "it is damaged"],
  // Width and height of the header, at bytes 16 and 20; its checksum is not even looked at.
  ["a bomb", changed(16, 0, 0, 255, 255, 0, 0, 255, 255), "it is damaged"],
  ["colours", await colourPng(), "it must be grey and 16 x 16: it is 16 x 16 in colour"],
  [
    "another size",
    await encodeGreyPng(new Uint8Array(64), 8),
    "it must be grey and 16 x 16: it is 8 x 8",
  ],
];

for (const [name, bytes, message] of bad) {
  Deno.test(`readGreyPng() refuses ${name}, naming the file`, async () => {
    await Deno.writeFile(path, bytes);
    const error = await assertRejects(() => readGreyPng(path, SIZE), DatasetError, message);
    assertStringIncludes(error.message, path);
  });
}
