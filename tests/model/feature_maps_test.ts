import { assertEquals, assertThrows } from "@std/assert";
import { createModel, featureMaps, INFERENCE, normalizeImages } from "@/model/mod.ts";
import { tf } from "@/tensorflow/mod.ts";
import { memory } from "../tensorflow/assert_close.ts";

const SIZE = 64;
const FILM = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => 127 + 120 * Math.sin(i * i / 999));

const model = createModel({
  architecture: "simplified-unet++",
  encoder: "efficientnet-b0",
  startFilters: 1,
});
globalThis.addEventListener("unload", () => model.dispose());

function deviation(values: ArrayLike<number>): number {
  const list = Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  return Math.sqrt(list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length);
}

Deno.test("featureMaps() has the encoder's sizes, and leaves nothing behind", () => {
  featureMaps(model, FILM, 1); // The first time the weights get their handles.
  const before = memory();
  const maps = featureMaps(model, FILM, 3);
  assertEquals(memory(), before);
  assertEquals(maps.map(({ stride, size }) => [stride, size]), [[2, 32], [4, 16], [8, 8], [16, 4]]);
  assertEquals(
    maps.map(({ name, stride, channels }) => ({ name, stride, channels })),
    model.encoder.features.map(({ name, stride, channels }) => ({ name, stride, channels })),
  );
  for (const { pictures, size } of maps) {
    assertEquals(pictures.map(({ length }) => length), [size ** 2, size ** 2, size ** 2]);
  }
});

Deno.test("featureMaps() shows the channels that vary most, stretched to all greys", () => {
  const maps = featureMaps(model, FILM, 4);
  const expected = tf.tidy(() => {
    const image = tf.tensor4d(Float32Array.from(FILM, (v) => v / 255), [1, SIZE, SIZE, 1]);
    return model.encoder.apply(normalizeImages(image), INFERENCE)
      .map((map) => (map.arraySync() as number[][][][])[0]!);
  });
  for (const [i, { pictures, channels, stride }] of maps.entries()) {
    const planes = Array.from(
      { length: channels },
      (_, channel) => expected[i]!.flat().map((pixel) => pixel[channel]!),
    );
    const largest = planes.toSorted((a, b) => deviation(b) - deviation(a)).slice(0, 4);
    for (const [k, plane] of largest.entries()) {
      const low = Math.min(...plane), high = Math.max(...plane);
      const stretched = plane.map((value) => Math.round(255 * (value - low) / (high - low)));
      const picture = pictures[k]!;
      const difference = stretched.map((value, at) => Math.abs(value - picture[at]!));
      assertEquals(Math.max(...difference) <= 1, true, `stride ${stride}, picture ${k}`);
      assertEquals([Math.min(...picture), Math.max(...picture)], [0, 255]);
    }
  }
});

Deno.test("featureMaps() gives all channels where more are wanted, and black for an even one", () => {
  const even = [5, 5, 5, 5], little = [0, 1, 0, 1], much = [-3, -1, 1, 0];
  const encoder = {
    name: "fake",
    features: [{ name: "map", stride: 16, channels: 3 }],
    apply: () => [
      tf.tensor4d(even.flatMap((value, i) => [value, little[i]!, much[i]!]), [1, 2, 2, 3]),
    ],
  };
  const film = new Uint8Array(32 * 32);
  const [map] = featureMaps({ ...model, encoder }, film, 9);
  assertEquals(map, {
    name: "map",
    stride: 16,
    channels: 3,
    size: 2,
    pictures: [
      Uint8Array.of(0, 128, 255, 191), // 255 * (value + 3) / 4
      Uint8Array.of(0, 255, 0, 255),
      Uint8Array.of(0, 0, 0, 0),
    ],
  });
  assertEquals(featureMaps(model, FILM, 0).map(({ pictures }) => pictures), [[], [], [], []]);
});

Deno.test("featureMaps() refuses a film that is not square, or not of a multiple of 32", () => {
  const before = memory();
  for (const length of [0, 33 * 33, 48 * 48, 64 * 32, 64 * 64 - 1]) {
    assertThrows(
      () => featureMaps(model, new Uint8Array(length), 1),
      RangeError,
      `a multiple of 32: ${length} pixels`,
    );
  }
  assertEquals(memory(), before);
});
