import { assertEquals } from "@std/assert";
import sharp from "sharp";
import { maskToSquare } from "@/data/mod.ts";
import { COLORS } from "@/plots/mod.ts";
import { greyPng, overlayPng } from "@/prediction/mod.ts";

Deno.test("greyPng() writes black and white at the film's size", async () => {
  const png = await greyPng(Uint8Array.of(0, 1, 1, 0, 0, 1), { width: 2, height: 3 });
  const { data, info } = await sharp(png).toColourspace("b-w").raw()
    .toBuffer({ resolveWithObject: true });
  assertEquals([info.width, info.height, info.channels], [2, 3, 1]);
  assertEquals([...data], [0, 255, 255, 0, 0, 255]);
});

Deno.test("overlayPng() shows the film with an outline, without what was added to make it square", async () => {
  const shape = { width: 100, height: 50 };
  const pixels = new Uint8Array(5000).fill(90);
  const mask = new Uint8Array(5000);
  for (let y = 10; y < 40; y++) mask.fill(1, y * 100 + 20, y * 100 + 60);
  const png = await overlayPng(pixels, shape, await maskToSquare(mask, shape));
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  assertEquals([info.width, info.height, info.channels], [1024, 512, 3]);
  const at = (
    x: number,
    y: number,
  ) => [...data.subarray(3 * (y * 1024 + x), 3 * (y * 1024 + x) + 3)];
  assertEquals(at(5, 5), [90, 90, 90]);
  assertEquals(at(400, 250), [90, 90, 90], "inside of the outline");
  const color = [1, 3, 5].map((i) => parseInt(COLORS.prediction.slice(i, i + 2), 16));
  // The left edge lies at 20 of 100 columns.
  assertEquals(at(206, 250), color);
});
