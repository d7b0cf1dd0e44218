import { afterwards, tf } from "@/tensorflow/mod.ts";
import { type Attributes, type Inputs, register, run } from "./register.ts";

const DROP = "project/Drop";
register(DROP, ({ x, kept }, attributes) => scaled(x!, kept!, attributes), {
  inputsToSave: ["kept"],
  gradFunc: (dy, [kept], attributes) => ({
    x: () => scaled(dy as tf.Tensor, afterwards(kept!, dy as tf.Tensor), attributes),
  }),
});

function scaled(x: Inputs[string], kept: Inputs[string], attributes: Attributes): tf.Tensor {
  const scale = attributes!.scale as number;
  return tf.tidy(() => {
    const factors = tf.cast(kept as tf.Tensor, "float32");
    return tf.mul(x as tf.Tensor, scale === 1 ? factors : tf.mul(factors, scale));
  });
}

/**
 * `scale x` where it is kept, else 0. Its gradient keeps `kept` alone in memory, a byte an element.
 *
 * @param kept Booleans, of a shape that can be broadcast to that of `x`.
 */
export function drop(x: tf.Tensor4D, kept: tf.Tensor, scale: number): tf.Tensor4D {
  return run(DROP, { x, kept }, { scale });
}
