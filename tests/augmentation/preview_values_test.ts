import { assert, assertEquals, assertThrows } from "@std/assert";
import { augmentation, previewAugmentation } from "@/augmentation/mod.ts";
import { memory } from "../tensorflow/assert_close.ts";

const SIZE = 8;
const FILM = {
  grey: Uint8Array.from({ length: SIZE * SIZE }, (_, i) => 4 * i),
  truth: Uint8Array.from({ length: SIZE * SIZE }, (_, i) => i % SIZE < 3 ? 255 : 0),
};

/** Brightens by a number of grey values. */
function brighter(greys: number) {
  const share = greys / 255;
  return augmentation({ brightness: { probability: 1, range: [share, share] } });
}

Deno.test("previewAugmentation() rounds grey values, and ends at white", () => {
  const preview = (
    greys: number,
  ) => [...previewAugmentation(FILM, brighter(greys), { count: 1, seed: 0 })[0]!.grey];
  assertEquals(preview(0.4), [...FILM.grey]);
  assertEquals(preview(0.6), Array.from(FILM.grey, (value) => value + 1));
  assertEquals(preview(100), Array.from(FILM.grey, (value) => Math.min(255, value + 100)));
});

Deno.test("previewAugmentation() with every change at once keeps masks 0 or 1", () => {
  const everything = augmentation({
    horizontalFlip: { probability: 0.5 },
    crop: { probability: 1, zoom: [0.3, 0.9] },
    contrast: { probability: 1, range: [0.5, 1.5] },
    brightness: { probability: 1, range: [-0.3, 0.3] },
    gamma: { probability: 1, range: [0.5, 2] },
  });
  const film = { grey: FILM.grey.slice(), truth: FILM.truth.slice() };
  const views = previewAugmentation(film, everything, { count: 20, seed: 7 });
  assertEquals(film, FILM, "the film is left as it is");
  assertEquals(new Set(views.map(({ grey }) => grey.join())).size, 20, "each is another");
  for (const { grey, truth } of views) {
    assertEquals([grey.length, truth.length], [SIZE ** 2, SIZE ** 2]);
    assert(truth.every((value) => value <= 1));
  }
});

Deno.test("previewAugmentation() refuses a mask of another size, and leaves nothing behind", () => {
  const before = memory();
  const film = { ...FILM, truth: FILM.truth.slice(1) };
  assertThrows(() => previewAugmentation(film, brighter(1), { count: 2, seed: 0 }));
  assertEquals(memory(), before);
});
