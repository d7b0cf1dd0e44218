import type { Device } from "./context.ts";

/** TensorFlow reads it when an operation first asks whether it must be deterministic. */
const VARIABLE = "TF_DETERMINISTIC_OPS";

/**
 * Switches TensorFlow's deterministic operations on: the C API has no call for it (Python's
 * `enable_op_determinism` is not part of it), only the variable. Not where there is a GPU, unless the
 * variable says so: there they are slower, and TensorFlow refuses the gradient of depthwise
 * convolutions, which EfficientNet is made of.
 *
 * @param devices Those that TensorFlow has found.
 * @param environment Where the variable is; tests replace it.
 */
export function preferDeterminism(
  devices: readonly Device[],
  environment: Pick<Deno.Env, "has" | "set"> = Deno.env,
): void {
  if (environment.has(VARIABLE) || devices.some(({ type }) => type === "GPU")) return;
  environment.set(VARIABLE, "1");
}
