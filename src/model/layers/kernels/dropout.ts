import { afterwards, keptByKeys, oneKernel, tf } from "@/tensorflow/mod.ts";
import { type Attributes, register, run } from "./register.ts";

const DROP_JOINED = "project/DropJoined";
register(
  DROP_JOINED,
  ({ chosen, ...parts }, attributes) => {
    const maps = Object.values(parts) as tf.Tensor[];
    const x = maps.length === 1 ? maps[0]! : tf.concat(maps, -1);
    return drop(x, chosen as tf.Tensor, settingsOf(attributes));
  },
  {
    inputsToSave: ["chosen"],
    gradFunc: (dy, [chosen], attributes) => {
      const settings = settingsOf(attributes), { channels } = settings;
      // Not inside the functions below: TensorFlow.js frees what each of them leaves behind.
      const dx = drop(dy as tf.Tensor, chosen!, settings);
      const gradients = channels.length === 1 ? [dx] : tf.split(dx, channels, -1);
      return Object.fromEntries(gradients.map((gradient, i) => [partName(i), () => gradient]));
    },
  },
);

/**
 * One kernel forward and backward, where there are keys. The parts are joined and split outside: XLA
 * concatenates slowly, and would have to compile a second kernel to split.
 */
function drop(x: tf.Tensor, chosen: tf.Tensor, { scale, rate }: Settings): tf.Tensor {
  const pass = (x: tf.Tensor, chosen: tf.Tensor) => [scaled(x, chosen, { scale, rate })];
  if (rate === undefined) return pass(x, chosen)[0]!;
  return oneKernel(`drop ${scale} ${rate}`, [x, chosen], (x, chosen) => pass(x!, chosen!))[0]!;
}

interface Settings {
  scale: number;
  /** With it `chosen` are keys to draw from, else it is what is kept. */
  rate?: number;
  /** Of each part. */
  channels: number[];
}

function settingsOf(attributes: Attributes): Settings {
  return attributes as unknown as Settings;
}

function partName(i: number): string {
  return `part${i}`;
}

function scaled(
  x: tf.Tensor,
  chosen: tf.Tensor,
  { scale, rate }: { scale: number; rate: number | undefined },
): tf.Tensor {
  return tf.tidy(() => {
    const kept = rate === undefined ? chosen : keptByKeys(chosen as tf.Tensor2D, x.shape, rate);
    // Else the factors, four times as large, would be made when `kept` is there.
    const factors = tf.cast(afterwards(kept, x), "float32");
    return tf.mul(x, scale === 1 ? factors : tf.mul(factors, scale));
  });
}

/** What dropout keeps: the elements themselves, a byte each, or keys that {@linkcode keptByKeys} draws from. */
export type Kept = { mask: tf.Tensor } | { keys: tf.Tensor2D; rate: number };

/**
 * `scale concat(parts)` where it is kept, else 0. Its gradient keeps only what `kept` holds in memory.
 *
 * @param parts `[batch, height, width, channels]` each, joined along the channels.
 * @param kept A mask is of booleans, and can be broadcast to the shape of the joined map.
 */
export function dropJoined(
  parts: readonly tf.Tensor4D[],
  kept: Kept,
  scale: number,
): tf.Tensor4D {
  const inputs = Object.fromEntries(parts.map((part, i) => [partName(i), part]));
  const channels = parts.map(({ shape }) => shape[3]);
  if ("mask" in kept) {
    return run(DROP_JOINED, { ...inputs, chosen: kept.mask }, { scale, channels });
  }
  const { keys, rate } = kept;
  return run(DROP_JOINED, { ...inputs, chosen: keys }, { scale, rate, channels });
}
