import { rawOp, tf } from "@/tensorflow/mod.ts";

/**
 * Where each pixel of the augmented image is taken from: column `x` and row `y` in the source image,
 * in pixels (0 is the centre of the first), each `[batch, height, width]`. Geometric transforms change
 * the grid one after the other; image and mask are sampled once, at the end.
 */
export interface SamplingGrid {
  x: tf.Tensor3D;
  y: tf.Tensor3D;
}

/** The grid that leaves images as they are. */
export function identityGrid(batch: number, height: number, width: number): SamplingGrid {
  const x = tf.reshape(tf.range(0, width), [1, 1, width]);
  const y = tf.reshape(tf.range(0, height), [1, height, 1]);
  const ones = tf.ones([batch, height, width]);
  return { x: tf.mul(ones, x), y: tf.mul(ones, y) };
}

/**
 * Samples images with bilinear interpolation; outside of the image lies its edge.
 *
 * @param images `[batch, height, width, 1]`
 */
export function sampleBilinear(images: tf.Tensor4D, grid: SamplingGrid): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch, height, width] = images.shape;
    const { x, y } = withinImage(grid, height, width);
    const left = tf.floor(x), top = tf.floor(y);
    const fx = tf.sub(x, left), fy = tf.sub(y, top);
    const indices = pixelIndices(images, left, top);
    // Right of the last column and below the last row stands anything: there its weight is 0.
    const pixels = tf.pad(tf.reshape(images, [-1]), [[0, width + 1]]);
    const neighbours = complexPairs(
      tf.slice(pixels, 0, batch * height * width + width),
      tf.slice(pixels, 1),
    );
    const mixedRow = (pairs: tf.Tensor) => {
      const [first, second] = partsOf(gather(pairs, indices, { dtype: "complex64" }));
      return mix(first, second, fx);
    };
    const upper = mixedRow(neighbours), lower = mixedRow(tf.slice(neighbours, width));
    return tf.expandDims(mix(upper, lower, fy), -1) as tf.Tensor4D;
  });
}

/**
 * Samples masks at the nearest pixel, so that they stay 0 or 1; outside of the image lies its edge.
 *
 * @param masks `[batch, height, width, 1]`
 */
export function sampleNearest(masks: tf.Tensor4D, grid: SamplingGrid): tf.Tensor4D {
  return tf.tidy(() => {
    const [, height, width] = masks.shape;
    const { x, y } = withinImage(grid, height, width);
    const indices = pixelIndices(masks, tf.add(x, 0.5), tf.add(y, 0.5));
    return tf.expandDims(gather(tf.reshape(masks, [-1]), indices), -1) as tf.Tensor4D;
  });
}

/** `a + f (b - a)` */
function mix(a: tf.Tensor, b: tf.Tensor, f: tf.Tensor): tf.Tensor {
  return tf.add(a, tf.mul(f, tf.sub(b, a)));
}

function withinImage({ x, y }: SamplingGrid, height: number, width: number): SamplingGrid {
  return { x: clip(x, 0, width - 1), y: clip(y, 0, height - 1) };
}

/**
 * Where pixels stand in the flattened images.
 *
 * @param x Columns, not negative; what is behind the point is cut off. // [batch, height, width]
 * @param y Rows. // [batch, height, width]
 */
function pixelIndices(images: tf.Tensor4D, x: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const [batch, height, width] = images.shape;
  const area = height * width;
  const firstOfImage = tf.range(0, batch * area, area, "int32");
  // A plain number would count as a float and make floats of the indices.
  const rowStart = tf.mul(tf.cast(y, "int32"), tf.scalar(width, "int32"));
  const inImage = tf.add(rowStart, tf.cast(x, "int32"));
  return tf.add(inImage, tf.reshape(firstOfImage, [batch, 1, 1]));
}

/** Pairs of floats as complex numbers: a gather's time goes by its indices, not by what they fetch. */
function complexPairs(first: tf.Tensor, second: tf.Tensor): tf.Tensor {
  return rawOp("Complex", [first, second], {
    T: { type: "float32" },
    Tout: { type: "complex64" },
  })[0]!;
}

function partsOf(pairs: tf.Tensor): [first: tf.Tensor, second: tf.Tensor] {
  const part = (name: "Real" | "Imag") =>
    rawOp(name, [pairs], { T: { type: "complex64" }, Tout: { type: "float32" } })[0]!;
  return [part("Real"), part("Imag")];
}

/** As `tf.clipByValue` in one pass instead of two. */
export function clip<T extends tf.Tensor>(values: T, low: number, high: number): T {
  const limits = [tf.scalar(low), tf.scalar(high)];
  return rawOp("ClipByValue", [values, ...limits], { T: { type: "float32" } })[0] as T;
}

/** As `tf.gather`, which reads the indices to check them and so cannot be traced. */
export function gather(
  values: tf.Tensor,
  indices: tf.Tensor,
  { axis = 0, dtype = "float32" }: { axis?: number; dtype?: "float32" | "complex64" } = {},
): tf.Tensor {
  return rawOp("GatherV2", [values, indices, tf.scalar(axis, "int32")], {
    Tparams: { type: dtype },
    Tindices: { type: "int32" },
    Taxis: { type: "int32" },
    batch_dims: { int: 0 },
  })[0]!;
}
