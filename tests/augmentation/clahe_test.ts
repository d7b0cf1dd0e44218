import { assert, assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import { augmentation, type AugmentationOptions, type ImagesAndMasks } from "@/augmentation/mod.ts";
import { applyContrast } from "@/data/mod.ts";
import { jit, StatelessRandom, tf } from "@/tensorflow/mod.ts";
import reference from "../data/clahe_vectors.json" with { type: "json" };
import { assertClose } from "../tensorflow/assert_close.ts";

type Clahe = NonNullable<AugmentationOptions["clahe"]>;

const seed = (a: number) => tf.tensor1d([a, 0], "int32");

/** Grey values 0 to 255 that differ from film to film. */
function pattern(size: number, film = 0): Uint8Array {
  return Uint8Array.from({ length: size * size }, (_, i) => {
    const x = i % size;
    const y = Math.floor(i / size);
    return ((3 + film) * x + 5 * y + (7 * x * y) % 31 + Math.floor((x * x) / 9)) % 256;
  });
}

/** Films side by side in a batch, as grey values 0 to 1, with masks. */
function batchOf(films: Uint8Array[]): ImagesAndMasks {
  const size = Math.sqrt(films[0]!.length);
  const values = films.flatMap((film) => Array.from(film, (grey) => grey / 255));
  const images = tf.tensor4d(values, [films.length, size, size, 1]);
  return { images, masks: tf.cast(tf.greater(images, 0.6), "float32") as tf.Tensor4D };
}

function apply(options: Clahe, films: ImagesAndMasks, a = 1): ImagesAndMasks {
  return augmentation({ clahe: options })(films, new StatelessRandom(seed(a)));
}

const fixed = (clipLimit: number, tiles: number): Clahe => ({
  probability: 1,
  clipLimit: [clipLimit, clipLimit],
  tiles,
});

/** Grey levels 0 to 255 of one image. */
function greyLevels(images: tf.Tensor4D, film = 0): number[] {
  return Array.from(images.slice([film, 0, 0, 0], [1, -1, -1, -1]).dataSync(), (v) => 255 * v);
}

function assertLevels(actual: number[], expected: ArrayLike<number>): void {
  assertEquals(actual.length, expected.length);
  const differences = actual.map((value, i) => Math.abs(value - expected[i]!));
  assertLess(Math.max(...differences), 1.001);
  // Single precision: now and then a grey value is rounded the other way.
  assertLess(differences.filter((difference) => difference > 0.001).length, 0.01 * actual.length);
}

for (const { size, clipLimit, tiles, expected } of reference.cases) {
  Deno.test(`clahe equals OpenCV's, size ${size}, limit ${clipLimit}, ${tiles} tiles`, () => {
    tf.tidy(() => {
      const { images } = apply(fixed(clipLimit, tiles), batchOf([pattern(size)]));
      assertLevels(greyLevels(images), expected);
    });
  });
}

for (
  const [size, clipLimit, tiles] of [
    [32, 2, 8],
    [64, 1.5, 8],
    [64, 40, 5],
    [96, 3, 7],
    [96, 0.1, 32],
    [128, 4, 1],
  ] as const
) {
  Deno.test(`clahe equals applyContrast() of each film, size ${size}, limit ${clipLimit}, ${tiles} tiles`, () => {
    const films = [0, 1, 2].map((film) => pattern(size, film));
    tf.tidy(() => {
      const { images } = apply(fixed(clipLimit, tiles), batchOf(films));
      for (const [i, film] of films.entries()) {
        assertLevels(
          greyLevels(images, i),
          applyContrast(film, { kind: "clahe", clipLimit, tiles }),
        );
      }
    });
  });
}

Deno.test("clahe changes the asked share of the films, each with its own limit, and no mask", () => {
  const batch = 200, size = 16;
  tf.tidy(() => {
    const films = batchOf(Array.from({ length: batch }, () => pattern(size)));
    const changed = (probability: number) => {
      const result = apply({ probability, clipLimit: [1, 20], tiles: 2 }, films);
      assertEquals(result.masks.dataSync(), films.masks.dataSync());
      for (const grey of result.images.dataSync()) assert(grey >= 0 && grey <= 1, `${grey}`);
      const before = films.images.dataSync(), after = result.images.dataSync();
      const area = size * size;
      const kinds = new Set<string>();
      let count = 0;
      for (let film = 0; film < batch; film++) {
        const place = [film * area, (film + 1) * area] as const;
        const text = after.slice(...place).join();
        if (text === before.slice(...place).join()) continue;
        kinds.add(text);
        count++;
      }
      return { count, kinds: kinds.size };
    };
    assertEquals(changed(0).count, 0);
    assertEquals(changed(1).count, batch);
    const half = changed(0.5);
    // Four standard deviations of a binomial distribution of 200.
    assertLess(Math.abs(half.count - batch / 2), 4 * Math.sqrt(batch / 4));
    assertGreater(half.kinds, 3);
  });
});

Deno.test("clahe leaves films that are not chosen between grey levels to the last bit", () => {
  tf.tidy(() => {
    const images = tf.randomUniform([3, 16, 16, 1], 0, 1, "float32", 5) as tf.Tensor4D;
    const result = apply({ probability: 0, clipLimit: [1, 4], tiles: 8 }, {
      images,
      masks: images,
    });
    assertEquals(result.images.dataSync(), images.dataSync());
  });
});

Deno.test("clahe is done before the other changes of grey values", () => {
  tf.tidy(() => {
    const films = batchOf([pattern(32)]);
    const brightness = { probability: 1, range: [0.2, 0.2] as const };
    const together = augmentation({ brightness, clahe: fixed(2, 4) })(
      films,
      new StatelessRandom(seed(1)),
    );
    const expected = tf.clipByValue(tf.add(apply(fixed(2, 4), films).images, 0.2), 0, 1);
    assertClose(together.images, [...expected.dataSync()], 1e-6);
  });
});

Deno.test("clahe gives the same traced, for each seed another, without a new trace", () => {
  const options: Clahe = { probability: 0.6, clipLimit: [1, 10], tiles: 4 };
  const films = batchOf([0, 1, 2, 3].map((film) => pattern(32, film)));
  const traced = jit(({ images, masks }: ImagesAndMasks, seed: tf.Tensor1D) =>
    augmentation({ clahe: options })({ images, masks }, new StatelessRandom(seed))
  );
  tf.tidy(() => {
    const results = [1, 2, 3].map((a) => {
      const compiled = traced(films, seed(a)).images;
      assertClose(compiled, apply(options, films, a).images, 1e-6, `seed ${a}`);
      assertEquals(traced(films, seed(a)).images.dataSync(), compiled.dataSync());
      return [...compiled.dataSync()].join();
    });
    assertEquals(new Set(results).size, 3);
    assertEquals(traced.traces, 1);
  });
  traced.dispose();
  tf.dispose([films.images, films.masks]);
});

Deno.test("clahe refuses more tiles than pixels", () => {
  tf.tidy(() => {
    assertThrows(
      () => apply(fixed(2, 9), batchOf([pattern(8)])),
      RangeError,
      "tiles must be at most the side of 8 x 8 images: 9",
    );
  });
});
