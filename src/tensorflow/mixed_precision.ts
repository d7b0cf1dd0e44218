import { type Attribute, AttributeKind } from "./attributes.ts";
import { backend, rawOp, tf } from "./backend.ts";
import { configProto } from "./config.ts";
import { GraphBinding } from "./graph.ts";

/**
 * The number format that a traced function may use beside float32. Its arguments, results and variables
 * stay float32.
 */
export type MixedPrecision = "float16" | "bfloat16";

/**
 * The graph optimizers that put casts around convolutions and matrix products. Those of float16 have one
 * for each processor; the one for CPUs rounds to float16 and computes in float32, for trying things out.
 * Alone, as the others gain nothing here, and make the first call slower.
 */
const OPTIMIZERS: Readonly<Record<MixedPrecision, readonly string[]>> = {
  float16: ["auto_mixed_precision", "auto_mixed_precision_cpu"],
  bfloat16: ["auto_mixed_precision_onednn_bfloat16"],
};

/** Tells the optimizers how much they may convert; what the user has set stays. */
const LEVEL_VARIABLE = "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_LEVEL";
const isSetByUser = Deno.env.has(LEVEL_VARIABLE);

/**
 * The attributes of a function's call that have TensorFlow rewrite the function to mixed precision when
 * it first runs: a configuration of its own, as Python's `tf.function` gives one.
 *
 * @throws {RangeError} If TensorFlow cannot do it there: bfloat16 on a GPU, or anything under XLA.
 */
export function mixedPrecisionAttributes(
  format: MixedPrecision,
  { onGpu, xla }: { onGpu: boolean; xla: boolean },
): Attribute[] {
  if (xla) {
    throw new RangeError(
      `Cannot compile with XLA in mixed precision as TensorFlow does not rewrite functions for XLA: ` +
        `${format}. Leave out one of the two`,
    );
  }
  if (format === "bfloat16") {
    if (onGpu) {
      throw new RangeError(
        `Cannot compute in mixed precision on a GPU as TensorFlow rewrites functions to this format ` +
          `on CPUs alone: ${format}. Use float16, or the device cpu`,
      );
    }
  }
  if (!isSetByUser) {
    // TensorFlow would put the slow ones of the element-wise operations into bfloat16 as well.
    if (format === "bfloat16") Deno.env.set(LEVEL_VARIABLE, "TREAT_INFER_AS_DENY");
    else Deno.env.delete(LEVEL_VARIABLE);
  }
  const config = configProto({ optimizers: OPTIMIZERS[format] });
  return [{ name: "config_proto", type: AttributeKind.STRING, value: config }];
}

/**
 * The same values, where what is computed from them stays float32 in a function of mixed precision: the
 * optimizers follow a value from one convolution to the next, and do not know this operation.
 *
 * @param x Any shape, float32.
 */
export function keepFloat32<T extends tf.Tensor>(x: T): T {
  const copy = tf.customGrad((input) => {
    const type = { type: "float32" } as const;
    const [value] = rawOp("Bitcast", [input as tf.Tensor], { T: type, type });
    return { value: value!, gradFunc: (dy: tf.Tensor) => dy };
  });
  return copy(x) as T;
}

/**
 * Runs a part of a traced function in float32, whatever its mixed precision: for what is computed beside
 * the network. TensorFlow's optimizers, which float16 is made by, do not know of it.
 */
export function inFloat32<T>(part: () => T): T {
  const { binding } = backend;
  if (!(binding instanceof GraphBinding)) return part();
  const before = binding.keepsFloat32;
  binding.keepsFloat32 = true;
  try {
    return part();
  } finally {
    binding.keepsFloat32 = before;
  }
}
