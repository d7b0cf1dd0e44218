import { rawOp, tf } from "./backend.ts";

/** The multipliers and shifts of MurmurHash3's finaliser for 32 bits (Appleby 2008). */
const FINALISER = { shifts: [16, 13, 16], multipliers: [0x85ebca6b, 0xc2b2ae35] } as const;

/**
 * Draws that are true with a probability of `1 - rate`, each from its row's key and its place in the row
 * alone: a pass that needs them again draws them again instead of keeping them, and
 * {@linkcode oneKernel} makes them part of another pass. The numbers are those of SplitMix (Steele, Lea &
 * Flood 2014) with 32 bits: a row's key is where its sequence begins and how far it steps.
 *
 * @param keys Random int32 numbers. // [rows, 2]
 * @param shape Its first length is that of `keys`; a row has fewer than 2^31 elements.
 * @param rate In `[0, 1)`.
 */
export function keptByKeys(keys: tf.Tensor2D, shape: number[], rate: number): tf.Tensor {
  return tf.tidy(() => {
    const [rows, ...row] = shape as [number, ...number[]];
    const places = tf.range(0, tf.util.sizeFromShape(row), 1, "int32");
    const [starts, steps] = tf.split(keys, 2, 1) as [tf.Tensor, tf.Tensor];
    const oddSteps = bitwise("BitwiseOr", steps, 1);
    let x: tf.Tensor = tf.add(starts, tf.mul(tf.reshape(places, [1, -1]), oddSteps));
    for (const [i, shift] of FINALISER.shifts.entries()) {
      // TensorFlow's shift of int32 numbers repeats the sign.
      const shifted = bitwise("BitwiseAnd", bitwise("RightShift", x, shift), 2 ** (32 - shift) - 1);
      x = rawOp("BitwiseXor", [x, shifted], INT)[0]!;
      const multiplier = FINALISER.multipliers[i];
      if (multiplier !== undefined) x = tf.mul(x, tf.scalar(multiplier | 0, "int32"));
    }
    const threshold = tf.scalar(Math.round(rate * 2 ** 32) - 2 ** 31, "int32");
    return tf.reshape(tf.greaterEqual(x, threshold), [rows, ...row]);
  });
}

const INT = { T: { type: "int32" } } as const;

function bitwise(op: "BitwiseAnd" | "BitwiseOr" | "RightShift", x: tf.Tensor, y: number) {
  return rawOp(op, [x, tf.scalar(y | 0, "int32")], INT)[0]!;
}
