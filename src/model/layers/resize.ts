import { rawOp, tf } from "@/tensorflow/mod.ts";

const ATTRIBUTES = {
  T: { type: "float32" },
  align_corners: { bool: false },
  half_pixel_centers: { bool: true },
} as const;

/**
 * Bilinear interpolation to another size. Pixels are areas, not points, as in Keras, OpenCV and
 * PyTorch: no shift of half a pixel. (The gradient that TensorFlow.js has knows points only.)
 *
 * @param x `[batch, height, width, channels]`
 * @returns `[batch, newHeight, newWidth, channels]`
 */
export function resizeBilinear(x: tf.Tensor4D, newHeight: number, newWidth: number): tf.Tensor4D {
  const resize = tf.customGrad((x, save) => {
    // The gradient needs the old size only, but TensorFlow wants to be shown the image.
    (save as tf.GradSaveFunc)([x as tf.Tensor]);
    const size = tf.tensor1d([newHeight, newWidth], "int32");
    return {
      value: rawOp("ResizeBilinear", [x as tf.Tensor, size], ATTRIBUTES)[0]!,
      gradFunc: (dy: tf.Tensor, [x]: tf.Tensor[]) =>
        rawOp("ResizeBilinearGrad", [dy, x!], ATTRIBUTES)[0]!,
    };
  });
  return resize(x) as tf.Tensor4D;
}
