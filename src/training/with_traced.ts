import { jit, tf } from "@/tensorflow/mod.ts";

/**
 * Traces a function of variables that is needed for a short time, and frees it afterwards.
 *
 * @param name Shown in errors and profiles.
 * @param body What it does; its own tensors are freed.
 * @param use Runs it, as often as it likes; a result is its to dispose of.
 * @returns What `use` returns.
 */
export async function withTraced<Result extends tf.TensorContainer, Returned>(
  name: string,
  body: () => Result,
  use: (run: () => Promise<Result>) => Promise<Returned>,
): Promise<Returned> {
  const traced = jit(() => tf.tidy(body), { name });
  try {
    return await use(() => traced.async());
  } finally {
    traced.dispose();
  }
}
