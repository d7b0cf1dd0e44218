import { assertEquals, fail } from "@std/assert";
import { eager, tf } from "@/tensorflow/mod.ts";

/** Fails unless all values lie within the tolerance of those expected, as many and in their order. */
export function assertClose(
  actual: tf.Tensor | ArrayLike<number>,
  expected: tf.Tensor | ArrayLike<number>,
  tolerance = 1e-5,
  what = "values",
): void {
  const [found, wanted] = [valuesOf(actual), valuesOf(expected)];
  assertEquals(found.length, wanted.length, `${what}: ${found.length} instead of ${wanted.length}`);
  for (let i = 0; i < wanted.length; i++) {
    const value = wanted[i]!;
    const isClose = Object.is(found[i], value) || Math.abs(found[i]! - value) <= tolerance;
    if (!isClose) fail(`${what}: number ${i} is ${found[i]} instead of ${value} (+- ${tolerance})`);
  }
}

function valuesOf(values: tf.Tensor | ArrayLike<number>): ArrayLike<number> {
  return values instanceof tf.Tensor ? values.dataSync() : values;
}

/** Values that look like no other: `sin(step i + start)`. */
export function wave<T extends tf.Tensor>(shape: number[], step: number, start: number): T {
  const values = Float32Array.from(
    { length: tf.util.sizeFromShape(shape) },
    (_, i) => Math.sin(step * i + start),
  );
  return tf.tensor(values, shape) as T;
}

/**
 * Gradients of a scalar function by central differences, one number at a time: slow, and independent of
 * every gradient that is defined anywhere.
 */
export function finiteDifferences(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  step = 1e-2,
): number[][] {
  const valueWith = (which: number, index: number, change: number) =>
    tf.tidy(() => {
      const moved = inputs.map((input, k) => {
        if (k !== which) return input;
        const values = input.dataSync().slice();
        values[index]! += change;
        return tf.tensor(values, input.shape);
      });
      return f(...moved).dataSync()[0]!;
    });
  return inputs.map((input, which) =>
    Array.from(
      { length: input.size },
      (_, i) => (valueWith(which, i, step) - valueWith(which, i, -step)) / (2 * step),
    )
  );
}

/** What TensorFlow.js and TensorFlow hold in memory. */
export function memory() {
  const { numTensors, numDataBuffers, numBytes } = tf.memory();
  return { numTensors, numDataBuffers, numBytes, handles: eager.getNumOfTensors() };
}
