import { tf } from "@/tensorflow/mod.ts";
import { leakyRelu, swish } from "./kernels/mod.ts";

/** A function of each element that follows a layer. */
export type Activation =
  | { kind: "relu" }
  /** `max(x, alpha x)` (Maas et al. 2013). */
  | { kind: "leaky-relu"; alpha: number }
  /** `x sigmoid(x)` (Ramachandran et al. 2017). */
  | { kind: "swish" };

export const RELU: Activation = { kind: "relu" };
export const SWISH: Activation = { kind: "swish" };

/** Applies an activation to `[batch, height, width, channels]`; without one, `x` stays. */
export function activate(x: tf.Tensor4D, activation: Activation | undefined): tf.Tensor4D {
  switch (activation?.kind) {
    case undefined:
      return x;
    case "relu":
      return tf.relu(x);
    case "leaky-relu":
      return leakyRelu(x, activation.alpha);
    case "swish":
      return swish(x);
  }
}
