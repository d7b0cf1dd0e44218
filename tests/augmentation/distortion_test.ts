import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess } from "@std/assert";
import {
  augmentation,
  type AugmentationOptions,
  elastic,
  type GeometricTransform,
  gridDistortion,
  identityGrid,
  type ImagesAndMasks,
  latticeWeights,
  opticalDistortion,
  previewEach,
  sampleBilinear,
  sampleNearest,
} from "@/augmentation/mod.ts";
import { jit, StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";
import reference from "./distortion_vectors.json" with { type: "json" };

const SIZE = reference.size;

/** OpenCV's `remap` counts in parts of 1/32 pixel. */
const REMAP_TOLERANCE = 1 / 32;

/** The image that distortion_vectors.py moves. */
function image(): tf.Tensor4D {
  const values = Array.from({ length: SIZE * SIZE }, (_, i) => {
    const x = i % SIZE, y = Math.floor(i / SIZE);
    return ((5 * y * y + 3 * x + 7 * x * y) % 23) / 22;
  });
  return tf.tensor4d(values, [1, SIZE, SIZE, 1]);
}

const maskOf = (image: tf.Tensor) => tf.cast(tf.greater(image, 0.5), "float32") as tf.Tensor4D;

/** The noise that distortion_vectors.py smooths. */
function noise(shape: number[]): tf.Tensor {
  const count = tf.util.sizeFromShape(shape);
  return tf.tensor(
    Float32Array.from({ length: count }, (_, i) => ((i * 7919 + 13) % 1009) / 1009 * 2 - 1),
    shape,
  );
}

/** Draws in turn: a number in 0 to 1 for a whole tensor, a list of values, or the noise. */
function scripted(...draws: (number | number[] | "noise")[]): StatelessRandom {
  const uniform = (shape: number[], low = 0, high = 1) => {
    const draw = draws.shift();
    if (draw === undefined) throw new RangeError("more is drawn than the test gives");
    if (draw === "noise") return noise(shape);
    if (typeof draw === "number") return tf.fill(shape, low + (high - low) * draw);
    return tf.tensor(draw, shape);
  };
  return { uniform } as unknown as StatelessRandom;
}

/** Stretches of cells as draws from -1 to 1 at the limit 0.5. */
const draws = (stretch: number[]) => stretch.map((value) => (value - 1) / 0.5);

/** Chance 0 is below every probability: the image is changed. */
const CHOSEN = 0;

/** Simard's and Albumentations's alpha, as the standard deviation that it leads to, in widths. */
function standardDeviation(alpha: number, sigma: number): number {
  const { weights } = reference.kernels.find((kernel) => kernel.sigma === sigma)!;
  const power = weights.reduce((sum, weight) => sum + weight ** 2, 0);
  return alpha * power / Math.sqrt(3) / SIZE;
}

function assertMoves(
  transform: GeometricTransform,
  random: StatelessRandom,
  expected: { x: number[]; y: number[]; image: number[]; mask: number[] },
): void {
  tf.tidy(() => {
    const grid = transform(identityGrid(1, SIZE, SIZE), random);
    assertClose(grid.x, expected.x, 1e-4, "columns");
    assertClose(grid.y, expected.y, 1e-4, "rows");
    assertClose(sampleBilinear(image(), grid), expected.image, REMAP_TOLERANCE, "image");
    assertClose(sampleNearest(maskOf(image()), grid), expected.mask, 0, "mask");
  });
}

for (const { sigma, weights } of reference.kernels.filter(({ sigma }) => sigma < 2)) {
  Deno.test(`latticeWeights() of noise on each pixel equal OpenCV's getGaussianKernel, sigma ${sigma}`, () => {
    const [length, norm] = [3, Math.hypot(...weights)];
    const expected = Array.from({ length }, (_, pixel) => {
      const [before, behind] = [pixel, length - 1 - pixel].map((count) => Array(count).fill(0));
      return [...before!, ...weights.map((weight) => weight / norm), ...behind!];
    });
    tf.tidy(() => {
      const found = latticeWeights(length, sigma);
      assertEquals(found.shape, [length, weights.length + length - 1]);
      assertClose(found, expected.flat(), 1e-4);
    });
  });
}

for (const [length, sigma] of [[40, 2.5], [64, 3.2], [200, 25.6], [37, 9.7]] as const) {
  Deno.test(`latticeWeights() give the covariance of Gaussian noise between all pixels, sigma ${sigma}`, () => {
    // That of white noise on the line, smoothed: exp(-d^2 / (4 sigma^2)), wherever the lattice lies.
    const expected = Array.from({ length: length ** 2 }, (_, i) => {
      const distance = Math.floor(i / length) - i % length;
      return Math.exp(-(distance ** 2) / (4 * sigma ** 2));
    });
    tf.tidy(() => {
      const weights = latticeWeights(length, sigma);
      assertLess(weights.shape[1], length / sigma * 2 + 19);
      assertClose(tf.matMul(weights, weights, false, true), expected, 5e-4);
    });
  });
}

for (const expected of reference.optical) {
  const { k } = expected;
  Deno.test(`opticalDistortion() equals OpenCV's camera model, coefficient ${k}`, () => {
    const transform = opticalDistortion({ probability: 1, range: [k, k] });
    assertMoves(transform, scripted(0.5, CHOSEN), expected);
  });
}

Deno.test("gridDistortion() moves as piecewise linear maps of numpy do", () => {
  const { stretchX, stretchY } = reference.grid;
  const transform = gridDistortion({ probability: 1, range: [0.5, 0.5], steps: 4 });
  const random = scripted(0.5, CHOSEN, draws(stretchX), draws(stretchY));
  assertMoves(transform, random, reference.grid);
});

Deno.test("gridDistortion() is near to Albumentations, whose cells overlap by a pixel", () => {
  const { x, y, stretchX, stretchY, albumentationsX, albumentationsY } = reference.grid;
  const firstRow = x.slice(0, SIZE);
  const firstColumn = Array.from({ length: SIZE }, (_, row) => y[row * SIZE]!);
  // Theirs has a cell's edge at the centre of its last pixel: half a pixel before and behind it.
  const tolerance = 0.5 + Math.max(...stretchX, ...stretchY) / 2 + 0.05;
  assertClose(firstRow, albumentationsX, tolerance);
  assertClose(firstColumn, albumentationsY, tolerance);
});

Deno.test("elastic() moves as Simard's noise smoothed by OpenCV", () => {
  const { sigma, albumentationsAlpha } = reference.elastic;
  const alpha = standardDeviation(albumentationsAlpha, sigma);
  const transform = elastic({ probability: 1, alpha: [alpha, alpha], sigma: sigma / SIZE });
  assertMoves(transform, scripted(0.5, CHOSEN, "noise"), reference.elastic);
});

Deno.test("augmentation() composes all geometric changes into one sampling, as one OpenCV remap", () => {
  const { elastic, grid, all } = reference;
  const alpha = standardDeviation(elastic.albumentationsAlpha, elastic.sigma);
  const augment = augmentation({
    horizontalFlip: { probability: 1 },
    crop: { probability: 1, zoom: [all.zoom, all.zoom] },
    elastic: { probability: 1, alpha: [alpha, alpha], sigma: elastic.sigma / SIZE },
    gridDistortion: { probability: 1, range: [0.5, 0.5], steps: 4 },
    opticalDistortion: { probability: 1, range: [all.k, all.k] },
  });
  const free = 1 - all.zoom;
  const random = scripted(
    ...[0.5, CHOSEN, "noise" as const],
    ...[0.5, CHOSEN, draws(grid.stretchX), draws(grid.stretchY)],
    ...[0.5, CHOSEN],
    ...[0.5, CHOSEN, all.left / free, all.top / free],
    CHOSEN,
  );
  tf.tidy(() => {
    const moved = augment({ images: image(), masks: maskOf(image()) }, random);
    assertClose(moved.images, all.image, REMAP_TOLERANCE);
    assertClose(moved.masks, all.mask, 0);
  });
});

Deno.test("elastic() moves by the asked standard deviation, and neighbours alike", () => {
  tf.tidy(() => {
    const [size, batch, alpha, sigma] = [64, 8, 0.02, 0.05];
    const transform = elastic({ probability: 1, alpha: [alpha, alpha], sigma });
    const still = identityGrid(batch, size, size);
    const { x, y } = transform(still, new StatelessRandom(tf.tensor1d([1, 2], "int32")));
    const moves = { dx: tf.sub(x, still.x), dy: tf.sub(y, still.y) };
    const deviation = (values: tf.Tensor) => tf.sqrt(tf.mean(tf.square(values))).dataSync()[0]!;
    for (const [name, values] of Object.entries(moves)) {
      assertAlmostEquals(deviation(values), alpha * size, 0.1 * alpha * size, name);
      // Of Gaussian-smoothed noise: the slope's deviation is that of the values over sigma sqrt(2).
      const [right, left] = [1, 0].map((start) =>
        tf.slice(values, [0, 0, start], [batch, size, size - 1])
      );
      const slope = deviation(tf.sub(right!, left!));
      assertAlmostEquals(slope, alpha / sigma / Math.SQRT2, 0.05, name);
    }
    assertLess(Math.abs(tf.mean(tf.mul(moves.dx, moves.dy)).dataSync()[0]!), 0.3);
  });
});

/** Strong enough to be seen, weak enough not to fold. */
const DISTORTIONS = (probability: number): AugmentationOptions => ({
  elastic: { probability, alpha: [0.01, 0.03], sigma: 0.08 },
  gridDistortion: { probability, range: [0.2, 0.4], steps: 5 },
  opticalDistortion: { probability, range: [-0.3, 0.5] },
});

const ZERO: AugmentationOptions = {
  elastic: { probability: 1, alpha: [0, 0], sigma: 0.05 },
  gridDistortion: { probability: 1, range: [0, 0], steps: 7 },
  opticalDistortion: { probability: 1, range: [0, 0] },
};

function films(batch: number, size: number): ImagesAndMasks {
  // A disc with a blurred edge: the mask of the moved image is the moved mask, but at its edge.
  const range = tf.range(0, size);
  const x = tf.square(tf.sub(range, 0.6 * size));
  const y = tf.reshape(tf.square(tf.sub(range, 0.35 * size)), [size, 1]);
  const disc = tf.sigmoid(tf.sub(0.22 * size, tf.sqrt(tf.add(x, y))));
  const images = tf.tile(tf.reshape(disc, [1, size, size, 1]), [batch, 1, 1, 1]) as tf.Tensor4D;
  return { images, masks: maskOf(images) };
}

const apply = (options: AugmentationOptions, batch: ImagesAndMasks, seed: number) =>
  augmentation(options)(batch, new StatelessRandom(tf.tensor1d([seed, 0], "int32")));

Deno.test("distortions of strength 0 and of probability 0 change no bit", () => {
  tf.tidy(() => {
    const batch = films(3, 24);
    for (const options of [ZERO, DISTORTIONS(0)]) {
      const moved = apply(options, batch, 1);
      assertEquals(moved.images.dataSync(), batch.images.dataSync());
      assertEquals(moved.masks.dataSync(), batch.masks.dataSync());
    }
  });
});

for (const [name, settings] of Object.entries(DISTORTIONS(1))) {
  Deno.test(`${name} moves image and mask together, each film in its own way`, () => {
    tf.tidy(() => {
      const batch = films(6, 64);
      const { images, masks } = apply({ [name]: settings }, batch, 5);
      const found = maskOf(images);
      const overlap = tf.sum(tf.mul(found, masks), [1, 2, 3]);
      const total = tf.add(tf.sum(found, [1, 2, 3]), tf.sum(masks, [1, 2, 3]));
      assertGreater(Math.min(...tf.div(tf.mul(overlap, 2), total).dataSync()), 0.96);
      const moved = tf.mean(tf.abs(tf.sub(masks, batch.masks)), [1, 2, 3]).dataSync();
      assertGreater(Math.max(...moved), 0.01);
      assertGreater(new Set(moved).size, 1);
      for (const value of masks.dataSync()) assert(value === 0 || value === 1);
    });
  });
}

Deno.test("gridDistortion() leaves the border of the film where it is", () => {
  tf.tidy(() => {
    const still = identityGrid(4, 20, 20);
    const transform = gridDistortion({ probability: 1, range: [0.5, 0.9], steps: 4 });
    // Places on the border itself, half a pixel outside of the outermost centres.
    const border = { x: tf.sub(tf.mul(still.x, 20 / 19), 0.5), y: tf.sub(still.y, 0.5) };
    const { x } = transform(
      border as typeof still,
      new StatelessRandom(tf.tensor1d([3, 0], "int32")),
    );
    for (const [column, place] of [[0, -0.5], [19, 19.5]] as const) {
      assertClose(tf.slice(x, [0, 0, column], [4, 20, 1]), Array(80).fill(place), 1e-4);
    }
    // Columns keep their order.
    const [right, left] = [1, 0].map((start) => tf.slice(x, [0, 0, start], [4, 20, 19]));
    assertGreater(tf.min(tf.sub(right!, left!)).dataSync()[0]!, 0);
  });
});

Deno.test("distortions give the same traced as eagerly, and draw anew for a new seed", () => {
  const batch = films(2, 32);
  const options = { ...DISTORTIONS(0.8), horizontalFlip: { probability: 0.5 } };
  const augment = augmentation(options);
  const traced = jit(({ images, masks }: ImagesAndMasks, seed: tf.Tensor1D) =>
    augment({ images, masks }, new StatelessRandom(seed))
  );
  tf.tidy(() => {
    const results = [1, 2, 3].map((seed) => {
      const eager = apply(options, batch, seed);
      const compiled = traced(batch, tf.tensor1d([seed, 0], "int32"));
      assertClose(compiled.images, eager.images, 1e-4, `seed ${seed}`);
      // A place right between two pixels may be rounded to either.
      const differing = tf.sum(tf.abs(tf.sub(compiled.masks, eager.masks))).dataSync()[0]!;
      assertLess(differing, 3);
      return [...compiled.images.dataSync()].join();
    });
    assertEquals(new Set(results).size, 3);
    assertEquals(traced.traces, 1);
  });
  traced.dispose();
  tf.dispose({ ...batch });
});

Deno.test("previewEach() shows the film, then each augmentation by its name, whatever its probability", () => {
  const size = 32;
  const grey = Uint8Array.from({ length: size * size }, (_, i) => (i * 7 + i % size * 3) % 256);
  const truth = grey.map((value) => value > 128 ? 255 : 0);
  const options = { ...DISTORTIONS(0), gamma: { probability: 0, range: [2, 2] as const } };
  tf.tidy(() => tf.add(tf.zeros([2]), 1)); // TensorFlow has its constants from here on
  const before = memory().numTensors;
  const shown = previewEach({ grey, truth }, options, 4);
  assertEquals(memory().numTensors, before);
  assertEquals(shown.map(({ name }) => name), [
    "film",
    "elastic",
    "gridDistortion",
    "opticalDistortion",
    "gamma",
  ]);
  assertEquals(shown[0]!.grey, grey);
  for (const { name, grey: changed, truth: moved } of shown.slice(1)) {
    assert(changed.some((value, i) => value !== grey[i]), name);
    const isMoved = moved.some((value, i) => value !== shown[0]!.truth[i]);
    assertEquals(isMoved, name !== "gamma", name);
  }
  assertEquals(previewEach({ grey, truth }, options, 4), shown);
});
