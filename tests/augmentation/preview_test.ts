import { assertEquals, assertNotEquals } from "@std/assert";
import { augmentation, previewAugmentation } from "@/augmentation/mod.ts";
import { memory } from "../tensorflow/assert_close.ts";

/** Every grey value there is, and a mask whose pixels are 255, as they are stored. */
const FILM = {
  grey: Uint8Array.from({ length: 256 }, (_, i) => i),
  truth: Uint8Array.from({ length: 256 }, (_, i) => i % 16 < 5 ? 255 : 0),
};

Deno.test("previewAugmentation() without a change gives back all grey values, and masks of 0 and 1", () => {
  const before = memory();
  const views = previewAugmentation(FILM, augmentation({}), { count: 3, seed: 1 });
  assertEquals(views.length, 3);
  for (const { grey, truth } of views) {
    assertEquals(grey, FILM.grey);
    assertEquals(truth, FILM.truth.map((value) => value / 255));
  }
  assertEquals(memory(), before);
});

Deno.test("previewAugmentation() changes film and mask together, the same for the same seed", () => {
  const mirrored = augmentation({ horizontalFlip: { probability: 1 } });
  const [view] = previewAugmentation(FILM, mirrored, { count: 1, seed: 1 });
  const mirror = (pixels: Uint8Array) =>
    Uint8Array.from(pixels, (_, i) => pixels[i - i % 16 + 15 - i % 16]!);
  assertEquals(view!.grey, mirror(FILM.grey));
  assertEquals(view!.truth, mirror(FILM.truth).map((value) => value / 255));

  const cropped = augmentation({ crop: { probability: 1, zoom: [0.5, 0.9] } });
  const preview = (seed: number) => previewAugmentation(FILM, cropped, { count: 2, seed });
  assertEquals(preview(4), preview(4));
  assertNotEquals(preview(4), preview(5));
  assertNotEquals(preview(4)[0]!.grey, preview(4)[1]!.grey);
});
