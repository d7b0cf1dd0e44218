import { type CompileOptions, keepFloat32, type tf } from "@/tensorflow/mod.ts";

/**
 * Logits and gradients in the weights' own format, float32, in mixed precision too, and with them the loss
 * and the optimizer.
 */
export function inOwnFormat<T extends tf.Tensor>(x: T, { mixedPrecision }: CompileOptions): T {
  return mixedPrecision ? keepFloat32(x) : x;
}
