import { afterwards, oneKernel, paysAsOneKernel, tf } from "@/tensorflow/mod.ts";
import { type Attributes, type Inputs, register, run } from "./register.ts";

/** Numbers in a map from which on a kernel of its own pays. */
const LARGE_MAP = 2 ** 22;

const DROP_JOINED = "project/DropJoined";
register(
  DROP_JOINED,
  ({ kept, ...parts }, attributes) => {
    const { scale } = settings(attributes);
    const maps = Object.values(parts) as tf.Tensor[];
    // Not in the kernel: XLA's own concatenation is slow.
    const x = maps.length === 1 ? maps[0]! : tf.concat(maps, -1);
    if (!paysAsOneKernel(kept!, LARGE_MAP)) return scaled(x, kept!, scale);
    return oneKernel(`drop, ${scale}`, [x, kept!], (x, kept) => [scaled(x!, kept!, scale)])[0]!;
  },
  {
    inputsToSave: ["kept"],
    gradFunc: (dy, [kept], attributes) => {
      const { scale, channels } = settings(attributes);
      const split = (x: tf.Tensor) => channels.length === 1 ? [x] : tf.split(x, channels, -1);
      // Not inside the functions below: TensorFlow.js frees what each of them leaves behind.
      const gradients = paysAsOneKernel(kept!, LARGE_MAP)
        ? oneKernel(
          `gradient of drop, ${scale}, ${channels}`,
          [dy as tf.Tensor, kept!],
          (dy, kept) => {
            return split(scaled(dy!, kept!, scale));
          },
        )
        : split(scaled(dy as tf.Tensor, kept!, scale));
      return Object.fromEntries(gradients.map((gradient, i) => [partName(i), () => gradient]));
    },
  },
);

function settings(attributes: Attributes) {
  return attributes as unknown as { scale: number; channels: number[] };
}

function partName(i: number): string {
  return `part${i}`;
}

function scaled(x: tf.Tensor, kept: Inputs[string], scale: number): tf.Tensor {
  return tf.tidy(() => {
    // Else the factors, four times as large, would be made when `kept` is there.
    const factors = tf.cast(afterwards(kept as tf.Tensor, x), "float32");
    return tf.mul(x, scale === 1 ? factors : tf.mul(factors, scale));
  });
}

/**
 * `scale concat(parts)` where it is kept, else 0. Its gradient keeps `kept` alone in memory, a byte an
 * element.
 *
 * @param parts `[batch, height, width, channels]` each, joined along the channels.
 * @param kept Booleans, of a shape that can be broadcast to that of the joined map.
 */
export function dropJoined(
  parts: readonly tf.Tensor4D[],
  kept: tf.Tensor,
  scale: number,
): tf.Tensor4D {
  const inputs = Object.fromEntries(parts.map((part, i) => [partName(i), part]));
  const channels = parts.map(({ shape }) => shape[3]);
  return run(DROP_JOINED, { ...inputs, kept }, { scale, channels });
}
