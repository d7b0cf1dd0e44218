import { assert, assertEquals } from "@std/assert";
import {
  identityGrid,
  sampleBilinear,
  sampleNearest,
  type SamplingGrid,
} from "@/augmentation/mod.ts";
import { jit, tf } from "@/tensorflow/mod.ts";
import { assertClose } from "../tensorflow/assert_close.ts";

/** Two images of 4 x 5. */
// deno-fmt-ignore
const IMAGES = [
  0, 0.1875, 0.75, 0.625, 0.875,  0.4375, 0.25, 0.4375, 1, 0.875,
  0.875, 0.3125, 0.125, 0.3125, 0.875,  0.25, 0.375, 0.875, 0.6875, 0.875,

  0.75, 0.625, 0.125, 0.3125, 0.125,  0.125, 0.6875, 0.875, 0.6875, 0.125,
  0.5625, 0.75, 0.5625, 0, 0.125,  1, 0.8125, 0.25, 0.375, 0.125,
];

/** Columns and rows inside, on pixels, and outside of an image of 4 x 5. */
// deno-fmt-ignore
const X = [0, 0.25, 1.6, 2.5, 4,  -0.3, -2, 4.2, 7, 3.75,  0.1, 3.9, 2, 1.5, 0.9,  4, 3, 2, 1, 0];
// deno-fmt-ignore
const Y = [0, 0.75, 0.2, 1.5, 3,  -1, 1.3, 3.4, 5, 2.25,  2.9, 0.1, -0.4, 1.5, 2,  3, 2.2, 1.7, 0.6, 0];

/** `scipy.ndimage.map_coordinates(image, [Y, X], order=1, mode="nearest")` of SciPy 1.17. */
// deno-fmt-ignore
const BILINEAR = [
  0, 0.3046875, 0.4925, 0.46875, 0.875,  0, 0.56875, 0.875, 0.875, 0.7578125,
  0.318125, 0.85375, 0.75, 0.28125, 0.36875,  0.875, 0.3875, 0.21875, 0.225, 0,

  0.75, 0.37890625, 0.42, 0.53125, 0.125,  0.75, 0.25625, 0.125, 0.125, 0.1171875,
  0.94125, 0.1475, 0.125, 0.71875, 0.73125,  0.125, 0.075, 0.65625, 0.6625, 0.75,
];

/** As {@linkcode BILINEAR} with `order=0` on `image > 0.5` of the first image; halves rounded up. */
const NEAREST = [0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0];

function grid(batch: number): SamplingGrid {
  const repeated = (values: number[]) =>
    tf.tensor3d(Array.from({ length: batch }, () => values).flat(), [batch, 4, 5]);
  return { x: repeated(X), y: repeated(Y) };
}

Deno.test("sampleBilinear() equals SciPy's map_coordinates, inside and outside of the image", () => {
  tf.tidy(() => {
    const images = tf.tensor4d(IMAGES, [2, 4, 5, 1]);
    const sampled = sampleBilinear(images, grid(2));
    assertEquals(sampled.shape, [2, 4, 5, 1]);
    assertClose(sampled, BILINEAR, 1e-6);
    const traced = jit(sampleBilinear);
    assertClose(traced(images, grid(2)), sampled, 1e-7, "traced");
    traced.dispose();
  });
});

Deno.test("sampleNearest() equals SciPy's map_coordinates of order 0, and gives 0 and 1 alone", () => {
  tf.tidy(() => {
    const masks = tf.cast(tf.greater(tf.tensor4d(IMAGES, [2, 4, 5, 1]), 0.5), "float32");
    const sampled = sampleNearest(masks as tf.Tensor4D, grid(2));
    assertEquals(sampled.shape, [2, 4, 5, 1]);
    assertEquals([...sampled.dataSync().subarray(0, 20)], NEAREST);
    for (const value of sampled.dataSync()) assert(value === 0 || value === 1);
    const traced = jit(sampleNearest);
    assertClose(traced(masks as tf.Tensor4D, grid(2)), sampled, 0, "traced");
    traced.dispose();
  });
});

Deno.test("identityGrid() leaves images as they are, to the last bit", () => {
  for (const [batch, height, width] of [[1, 1, 1], [2, 3, 5], [3, 32, 64]] as const) {
    tf.tidy(() => {
      const images = tf.randomUniform([batch, height, width, 1]) as tf.Tensor4D;
      const grid = identityGrid(batch, height, width);
      assertEquals(grid.x.shape, [batch, height, width]);
      assertEquals(sampleBilinear(images, grid).dataSync(), images.dataSync());
      assertEquals(sampleNearest(images, grid).dataSync(), images.dataSync());
    });
  }
});

Deno.test("sampleNearest() reads each pixel of a batch larger than floats can count", () => {
  // 2^24 + 1 is no float32: indices must not pass through floats.
  tf.tidy(() => {
    const [batch, size] = [17, 1024];
    const images = tf.zeros([batch - 1, size, size, 1]);
    const last = tf.reshape(tf.mod(tf.range(0, size * size, 1, "int32"), tf.scalar(2, "int32")), [
      1,
      size,
      size,
      1,
    ]);
    const all = tf.concat([images, tf.cast(last, "float32")]) as tf.Tensor4D;
    const x = tf.fill([batch, 1, 4], 0).add(tf.tensor1d([1020, 1021, 1022, 1023])) as tf.Tensor3D;
    const y = tf.fill([batch, 1, 4], 1023) as tf.Tensor3D;
    const sampled = sampleNearest(all, { x, y });
    assertEquals([...sampled.dataSync().subarray(-4)], [0, 1, 0, 1]);
  });
});
