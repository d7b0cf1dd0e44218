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
export function sampleBilinear(images: tf.Tensor4D, { x, y }: SamplingGrid): tf.Tensor4D {
  return tf.tidy(() => {
    const at = pixelReader(images);
    const left = tf.floor(x), top = tf.floor(y);
    const right = tf.add(left, 1), bottom = tf.add(top, 1);
    const fx = tf.sub(x, left), fy = tf.sub(y, top);
    const upper = mix(at(left, top), at(right, top), fx);
    const lower = mix(at(left, bottom), at(right, bottom), fx);
    return tf.expandDims(mix(upper, lower, fy), -1) as tf.Tensor4D;
  });
}

/**
 * Samples masks at the nearest pixel, so that they stay 0 or 1; outside of the image lies its edge.
 *
 * @param masks `[batch, height, width, 1]`
 */
export function sampleNearest(masks: tf.Tensor4D, { x, y }: SamplingGrid): tf.Tensor4D {
  return tf.tidy(() => {
    const nearest = (coordinate: tf.Tensor) => tf.floor(tf.add(coordinate, 0.5));
    return tf.expandDims(pixelReader(masks)(nearest(x), nearest(y)), -1) as tf.Tensor4D;
  });
}

/** `a + f (b - a)` */
function mix(a: tf.Tensor, b: tf.Tensor, f: tf.Tensor): tf.Tensor {
  return tf.add(a, tf.mul(f, tf.sub(b, a)));
}

/** Reads pixels at whole-numbered columns and rows `[batch, height, width]`. */
function pixelReader(images: tf.Tensor4D): (x: tf.Tensor, y: tf.Tensor) => tf.Tensor {
  const [batch, height, width] = images.shape;
  const pixels = tf.reshape(images, [batch * height * width]);
  const firstOfImage = tf.reshape(
    tf.range(0, batch * height * width, height * width, "int32"),
    [batch, 1, 1],
  );
  const clamp = (coordinate: tf.Tensor, length: number) =>
    tf.cast(tf.clipByValue(coordinate, 0, length - 1), "int32");
  return (x, y) => {
    // A plain number would count as a float and make floats of the indices.
    const rowStart = tf.mul(clamp(y, height), tf.scalar(width, "int32"));
    const inImage = tf.add(rowStart, clamp(x, width));
    return gather(pixels, tf.add(inImage, firstOfImage));
  };
}

/** As `tf.gather` of floats, which reads the indices to check them and so cannot be traced. */
export function gather(values: tf.Tensor, indices: tf.Tensor, axis = 0): tf.Tensor {
  return rawOp("GatherV2", [values, indices, tf.scalar(axis, "int32")], {
    Tparams: { type: "float32" },
    Tindices: { type: "int32" },
    Taxis: { type: "int32" },
    batch_dims: { int: 0 },
  })[0]!;
}
