import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertThrows,
} from "@std/assert";
import { augmentation, type AugmentationOptions, type ImagesAndMasks } from "@/augmentation/mod.ts";
import { jit, StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";

const seed = (a: number, b = 0) => tf.tensor1d([a, b], "int32");

/** Everything that an experiment can ask for. */
const ALL = (probability: number): AugmentationOptions => ({
  horizontalFlip: { probability },
  crop: { probability, zoom: [0.7, 0.9] },
  contrast: { probability, range: [0.5, 1.5] },
  brightness: { probability, range: [-0.3, 0.3] },
  gamma: { probability, range: [0.5, 2] },
});

/** Random films; black and white pixels are among them. */
function randomFilms(batch: number, size = 8): ImagesAndMasks {
  const values = tf.randomUniform([batch, size, size, 1], -0.1, 1.1, "float32", 5);
  const images = tf.clipByValue(values, 0, 1) as tf.Tensor4D;
  return { images, masks: tf.cast(tf.greater(images, 0.6), "float32") as tf.Tensor4D };
}

function apply(options: AugmentationOptions, films: ImagesAndMasks, a = 1, b = 0): ImagesAndMasks {
  return augmentation(options)(films, new StatelessRandom(seed(a, b)));
}

/** Draws given numbers in turn, the same for each image. */
function scripted(...numbers: number[]): StatelessRandom {
  const uniform = (shape: number[], low = 0, high = 1) =>
    tf.fill(shape, low + (high - low) * numbers.shift()!);
  return { uniform } as unknown as StatelessRandom;
}

Deno.test("augmentation() of nothing, and with probability 0, changes no bit", () => {
  tf.tidy(() => {
    const films = randomFilms(5);
    const each = Object.entries(ALL(0)).map(([name, value]) => ({ [name]: value }));
    for (const options of [{}, ALL(0), ...each]) {
      const { images, masks } = apply(options, films);
      assertEquals(images.shape, [5, 8, 8, 1]);
      assertEquals(images.dataSync(), films.images.dataSync(), JSON.stringify(options));
      assertEquals(masks.dataSync(), films.masks.dataSync());
    }
  });
});

Deno.test("horizontalFlip mirrors images and masks to the last bit, twice gives them back", () => {
  tf.tidy(() => {
    for (const size of [4, 7]) {
      const films = randomFilms(3, size);
      const options = { horizontalFlip: { probability: 1 } };
      const once = apply(options, films);
      assertEquals(once.images.dataSync(), tf.reverse(films.images, 2).dataSync());
      assertEquals(once.masks.dataSync(), tf.reverse(films.masks, 2).dataSync());
      assertEquals(apply(options, once).images.dataSync(), films.images.dataSync());
    }
  });
});

Deno.test("horizontalFlip mirrors each image or not, in the asked share", () => {
  tf.tidy(() => {
    const batch = 400;
    const images = tf.tile(tf.tensor4d([0, 1], [1, 1, 2, 1]), [batch, 1, 1, 1]) as tf.Tensor4D;
    for (const probability of [0.1, 0.5, 0.8]) {
      const flipped = apply({ horizontalFlip: { probability } }, { images, masks: images });
      const share = tf.mean(tf.slice(flipped.images, [0, 0, 0, 0], [batch, 1, 1, 1]));
      // Four standard deviations of a binomial distribution of 400.
      assertAlmostEquals(share.dataSync()[0]!, probability, 4 * 0.5 / 20);
    }
  });
});

/** A 6 x 6 image. */
const IMAGE = Array.from({ length: 36 }, (_, i) => {
  const row = Math.floor(i / 6), column = i % 6;
  return ((5 * row * row + 3 * column + 7 * row * column) % 13) / 12;
});

Deno.test("crop samples a window as SciPy does", () => {
  // map_coordinates (order 1, nearest) at columns (i + 0.5) 0.6 + 0.25 * 6 - 0.5, rows ... 0.1 * 6 ...
  // deno-fmt-ignore
  const expected = [
    0.361666667, 0.651666667, 0.725, 0.755, 0.785, 0.62,
    0.416666667, 0.916666667, 0.875, 0.725, 0.575, 0.425,
    0.581666667, 0.511666667, 0.55, 0.61, 0.67, 0.535,
    0.61, 0.23, 0.283333333, 0.445, 0.715, 0.66,
    0.365, 0.195, 0.133333333, 0.18, 0.66, 0.815,
    0.453333333, 0.493333333, 0.316666667, 0.205, 0.635, 0.74,
  ];
  tf.tidy(() => {
    const images = tf.tensor4d(IMAGE, [1, 6, 6, 1]);
    const augment = augmentation({ crop: { probability: 1, zoom: [0.6, 0.6] } });
    // Strength, chance, then the window's left and top as shares of what is free: 0.25 and 0.1 of 0.4.
    const random = scripted(0.5, 0.5, 0.625, 0.25);
    assertClose(augment({ images, masks: images }, random).images, expected, 1e-6);
  });
});

Deno.test("crop of a window of whole pixels equals OpenCV's resize of the window", () => {
  // cv2.resize(image[1:4, 2:5], (6, 6)), without its outermost pixels: there OpenCV does not look
  // beyond the window.
  // deno-fmt-ignore
  const inner = [
    0.765625, 0.713542, 0.661458, 0.609375,
    0.421875, 0.515625, 0.609375, 0.703125,
    0.21875, 0.322917, 0.494792, 0.734375,
    0.15625, 0.135417, 0.317708, 0.703125,
  ];
  tf.tidy(() => {
    const images = tf.tensor4d(IMAGE, [1, 6, 6, 1]);
    const augment = augmentation({ crop: { probability: 1, zoom: [0.5, 0.5] } });
    const cropped = augment({ images, masks: images }, scripted(0, 0, 2 / 3, 1 / 3)).images;
    assertClose(tf.slice(cropped, [0, 1, 1, 0], [1, 4, 4, 1]), inner, 1e-6);
  });
});

Deno.test("crop draws windows of the asked sizes, all over the image, and within it", () => {
  const size = 32, batch = 300;
  tf.tidy(() => {
    // An image whose grey value is the column (or row) shows where each pixel was taken from.
    const ramp = tf.mul(tf.ones([size, 1]), tf.range(0, size)).div(size - 1);
    const columns = tf.tile(tf.reshape(ramp, [1, size, size, 1]), [batch, 1, 1, 1]) as tf.Tensor4D;
    const rows = tf.transpose(columns, [0, 2, 1, 3]) as tf.Tensor4D;
    for (const images of [columns, rows]) {
      const isColumns = images === columns;
      const options = { crop: { probability: 1, zoom: [0.6, 0.9] as const } };
      const values = apply(options, { images, masks: images }, 3).images.dataSync();
      const at = (image: number, place: number) =>
        values[image * size * size + place * (isColumns ? 1 : size)]! * (size - 1);
      const windows = Array.from({ length: batch }, (_, image) => {
        const zoom = (at(image, 20) - at(image, 10)) / 10;
        const start = (at(image, 10) + 0.5) - 10.5 * zoom; // the window's edge, in pixels
        return { zoom, start, place: start / (size * (1 - zoom)) };
      });
      for (const { zoom, start } of windows) {
        assert(zoom > 0.6 - 1e-4 && zoom < 0.9 + 1e-4, `zoom ${zoom}`);
        assert(start > -1e-3 && start + zoom * size < size + 1e-3, `start ${start}`);
      }
      const mean = (numbers: number[]) => numbers.reduce((a, b) => a + b) / batch;
      assertAlmostEquals(mean(windows.map(({ zoom }) => zoom)), 0.75, 0.02);
      assertAlmostEquals(mean(windows.map(({ place }) => place)), 0.5, 0.08);
      assertLess(Math.min(...windows.map(({ place }) => place)), 0.03);
      assertGreater(Math.max(...windows.map(({ place }) => place)), 0.97);
    }
  });
});

Deno.test("crop draws left and top independently", () => {
  tf.tidy(() => {
    // Each image shows the columns that its pixels come from, each mask the rows.
    const size = 16, batch = 400;
    const ramp = tf.mul(tf.ones([size, 1]), tf.range(0, size)).div(size - 1);
    const tiled = (plane: tf.Tensor) =>
      tf.tile(tf.reshape(plane, [1, size, size, 1]), [batch, 1, 1, 1]) as tf.Tensor4D;
    const films = { images: tiled(ramp), masks: tiled(tf.transpose(ramp)) };
    const moved = apply({ crop: { probability: 1, zoom: [0.5, 0.5] } }, films);
    const middle = (maps: tf.Tensor4D) => {
      const values = tf.slice(maps, [0, 8, 8, 0], [batch, 1, 1, 1]);
      return tf.sub(values, tf.mean(values));
    };
    const [columns, rows] = [middle(moved.images), middle(moved.masks)];
    const spread = tf.sqrt(tf.mul(tf.mean(tf.square(columns)), tf.mean(tf.square(rows))));
    const correlation = tf.div(tf.mean(tf.mul(columns, rows)), spread);
    // Four standard deviations of the correlation of 400 independent pairs.
    assertLess(Math.abs(correlation.dataSync()[0]!), 4 / 20);
  });
});

Deno.test("augmentation() moves image and mask together", () => {
  tf.tidy(() => {
    // A disc with a blurred edge: the mask of the moved image is the moved mask, but at its edge.
    const size = 64;
    const range = tf.range(0, size);
    const x = tf.square(tf.sub(range, 40)), y = tf.reshape(tf.square(tf.sub(range, 22)), [size, 1]);
    const disc = tf.sigmoid(tf.sub(14, tf.sqrt(tf.add(x, y))));
    const images = tf.tile(tf.reshape(disc, [1, size, size, 1]), [8, 1, 1, 1]) as tf.Tensor4D;
    const above = (images: tf.Tensor) => tf.cast(tf.greater(images, 0.5), "float32") as tf.Tensor4D;
    const options = {
      horizontalFlip: { probability: 0.5 },
      crop: { probability: 0.8, zoom: [0.6, 1] as const },
    };
    const moved = apply(options, { images, masks: above(images) }, 11);
    const [found, wanted] = [above(moved.images), moved.masks];
    const overlap = tf.sum(tf.mul(found, wanted), [1, 2, 3]);
    const total = tf.add(tf.sum(found, [1, 2, 3]), tf.sum(wanted, [1, 2, 3]));
    const dice = tf.div(tf.mul(overlap, 2), total).dataSync();
    assertGreater(Math.min(...dice), 0.97);
    // It did move.
    const still = tf.mean(tf.abs(tf.sub(wanted, above(images))), [1, 2, 3]).dataSync();
    assertGreater(Math.max(...still), 0.1);
  });
});

Deno.test("augmentation() keeps images within 0 to 1 and masks at 0 or 1", () => {
  tf.tidy(() => {
    const films = randomFilms(32, 16);
    const strong = {
      ...ALL(1),
      contrast: { probability: 1, range: [0, 10] as const },
      brightness: { probability: 1, range: [-1, 1] as const },
      gamma: { probability: 1, range: [0.1, 10] as const },
    };
    for (const options of [ALL(0.5), ALL(1), strong]) {
      const { images, masks } = apply(options, films);
      for (const grey of images.dataSync()) assert(grey >= 0 && grey <= 1, `${grey}`);
      for (const value of masks.dataSync()) assert(value === 0 || value === 1);
    }
  });
});

/** Worked by hand; the image's mean is 0.4. */
const PHOTOMETRIC: { options: AugmentationOptions; expected: number[] }[] = [
  { options: { contrast: { probability: 1, range: [2, 2] } }, expected: [0, 0.2, 0.4, 1] },
  {
    options: { contrast: { probability: 1, range: [0.5, 0.5] } },
    expected: [0.2, 0.35, 0.4, 0.65],
  },
  { options: { contrast: { probability: 1, range: [0, 0] } }, expected: [0.4, 0.4, 0.4, 0.4] },
  {
    options: { brightness: { probability: 1, range: [0.25, 0.25] } },
    expected: [0.25, 0.55, 0.65, 1],
  },
  {
    options: { brightness: { probability: 1, range: [-0.35, -0.35] } },
    expected: [0, 0, 0.05, 0.55],
  },
  { options: { gamma: { probability: 1, range: [2, 2] } }, expected: [0, 0.09, 0.16, 0.81] },
  {
    options: { gamma: { probability: 1, range: [0.5, 0.5] } },
    expected: [0, 0.5477226, 0.6324555, 0.9486833],
  },
  {
    options: { gamma: { probability: 1, range: [0.1, 0.1] } },
    expected: [0, 0.8865682, 0.9124435, 0.9895193],
  },
  { // contrast, then brightness, then gamma: 2 (x - 0.4) + 0.4 in 0 to 1, + 0.1, squared
    options: {
      gamma: { probability: 1, range: [2, 2] },
      brightness: { probability: 1, range: [0.1, 0.1] },
      contrast: { probability: 1, range: [2, 2] },
    },
    expected: [0.01, 0.09, 0.25, 1],
  },
];

for (const { options, expected } of PHOTOMETRIC) {
  const range = Object.values(options)[0]!;
  const name = `${Object.keys(options).join(", ")} of ${JSON.stringify(range)}`;
  Deno.test(`augmentation() changes grey values by ${name}, and no mask`, () => {
    tf.tidy(() => {
      const images = tf.tensor4d([0, 0.3, 0.4, 0.9], [1, 2, 2, 1]);
      const masks = tf.tensor4d([0, 1, 1, 0], [1, 2, 2, 1]);
      const changed = apply(options, { images, masks });
      assertClose(changed.images, expected, 1e-6);
      assertEquals([...changed.masks.dataSync()], [0, 1, 1, 0]);
    });
  });
}

Deno.test("contrast keeps each image's own mean", () => {
  tf.tidy(() => {
    const images = tf.tensor4d([0.1, 0.3, 0.6, 0.8], [2, 1, 2, 1]);
    const { images: changed } = apply({ contrast: { probability: 1, range: [0.5, 0.5] } }, {
      images,
      masks: images,
    });
    assertClose(changed, [0.15, 0.25, 0.65, 0.75], 1e-6);
  });
});

Deno.test("augmentation() draws photometric strengths for each image, over the whole range", () => {
  tf.tidy(() => {
    const batch = 400;
    const images = tf.fill([batch, 1, 1, 1], 0.5) as tf.Tensor4D;
    const options = { brightness: { probability: 0.5, range: [-0.2, 0.4] as const } };
    const added = [...apply(options, { images, masks: images }).images.dataSync()]
      .map((grey) => grey - 0.5);
    const changed = added.filter((value) => Math.abs(value) > 1e-6);
    assertAlmostEquals(changed.length / batch, 0.5, 0.1);
    assertEquals(new Set(changed).size, changed.length);
    assertAlmostEquals(changed.reduce((a, b) => a + b) / changed.length, 0.1, 0.05);
    assertLess(Math.min(...changed), -0.18);
    assertGreater(Math.max(...changed), 0.38);
  });
});

Deno.test("augmentation() decides each change by itself", () => {
  tf.tidy(() => {
    const batch = 400;
    const images = tf.tile(tf.tensor4d([0.4, 0.6], [1, 1, 2, 1]), [batch, 1, 1, 1]) as tf.Tensor4D;
    const options = {
      horizontalFlip: { probability: 0.5 },
      brightness: { probability: 0.5, range: [0.1, 0.1] as const },
    };
    const values = apply(options, { images, masks: images }).images.dataSync();
    const kinds = new Map<string, number>();
    for (let i = 0; i < batch; i++) {
      const kind = `${values[2 * i]!.toFixed(1)} ${values[2 * i + 1]!.toFixed(1)}`;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    assertEquals([...kinds.keys()].sort(), ["0.4 0.6", "0.5 0.7", "0.6 0.4", "0.7 0.5"]);
    // A quarter of the images each, within four standard deviations.
    for (const count of kinds.values()) assertAlmostEquals(count, 100, 4 * Math.sqrt(75));
  });
});

Deno.test("augmentation() gives the same for the same seed and another for another", () => {
  tf.tidy(() => {
    const films = randomFilms(4);
    const [first, again, other, third] = [[1, 0], [1, 0], [2, 0], [1, 1]].map(([a, b]) =>
      apply(ALL(0.7), films, a, b)
    );
    assertEquals(again!.images.dataSync(), first!.images.dataSync());
    assertEquals(again!.masks.dataSync(), first!.masks.dataSync());
    for (const films of [other!, third!]) {
      assertGreater(tf.mean(tf.abs(tf.sub(films.images, first!.images))).dataSync()[0]!, 0.01);
    }
  });
});

Deno.test("augmentation() gives the same traced, and draws anew for a new seed without a trace", () => {
  const films = randomFilms(4);
  const augment = augmentation(ALL(0.7));
  const traced = jit(({ images, masks }: ImagesAndMasks, seed: tf.Tensor1D) =>
    augment({ images, masks }, new StatelessRandom(seed))
  );
  tf.tidy(() => {
    const results = [1, 2, 3].map((a) => {
      const [eager, compiled] = [apply(ALL(0.7), films, a), traced(films, seed(a))];
      assertClose(compiled.images, eager.images, 1e-5, `seed ${a}`);
      assertClose(compiled.masks, eager.masks, 0, `seed ${a}`);
      return [...compiled.images.dataSync()].join();
    });
    assertEquals(new Set(results).size, 3);
    assertEquals(traced.traces, 1);
  });
  traced.dispose();
  tf.dispose({ ...films });
});

Deno.test("augmentation() refuses images and masks of different shapes", () => {
  tf.tidy(() => {
    const images = tf.zeros([2, 4, 4, 1]) as tf.Tensor4D, masks = tf.zeros([2, 4, 8, 1]);
    assertThrows(
      () => apply({}, { images, masks: masks as tf.Tensor4D }),
      RangeError,
      "images and masks differ in shape: [2,4,4,1] and [2,4,8,1]",
    );
  });
});

Deno.test("augmentation() leaves nothing in memory but its result", () => {
  const films = randomFilms(2), key = seed(1);
  tf.dispose([tf.add(films.images, films.masks), tf.add(key, key)]); // TensorFlow has them from here on
  const before = memory();
  tf.dispose({ ...augmentation(ALL(0.5))(films, new StatelessRandom(key)) });
  assertEquals(memory(), before);
  tf.dispose([films.images, films.masks, key]);
});
