import { checkCompileOptions } from "@/tensorflow/mod.ts";

/** Whether TensorFlow computes in bfloat16 on this CPU: on x86 it needs AVX-512. */
export const HAS_BFLOAT16 = isPossible();

function isPossible(): boolean {
  try {
    checkCompileOptions({ mixedPrecision: "bfloat16", device: "cpu" });
    return true;
  } catch {
    return false;
  }
}
