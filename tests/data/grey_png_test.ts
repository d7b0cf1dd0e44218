import { join } from "node:path";
import sharp from "sharp";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
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
