import {
  OneDnn,
  oneKernel,
  paysAsOneKernel,
  rawOp,
  shortlyBefore,
  tf,
  usesOneDnn,
} from "@/tensorflow/mod.ts";
import { type Attributes, FLOAT, register, run } from "./register.ts";

const LEAKY_RELU = "project/LeakyRelu";
register(
  LEAKY_RELU,
  ({ x }, attributes) => rawOp("LeakyRelu", [x!], { ...FLOAT, ...slope(attributes) })[0]!,
  {
    // The output has the input's sign, and what follows keeps it anyway.
    outputsToSave: [true],
    gradFunc: (dy, [y], attributes) => ({
      x: () =>
        rawOp("LeakyReluGrad", [dy as tf.Tensor, y!], { ...FLOAT, ...slope(attributes) })[0]!,
    }),
  },
);

function slope(attributes: Attributes) {
  return { alpha: { float: attributes!.alpha as number } };
}

/** `max(x, alpha x)` for `0 < alpha < 1` (Maas et al. 2013); its gradient keeps only the result in memory. */
export function leakyRelu(x: tf.Tensor4D, alpha: number): tf.Tensor4D {
  return run(LEAKY_RELU, { x }, { alpha });
}

const SWISH = "project/Swish";
register(
  SWISH,
  ({ x }) => {
    if (usesOneDnn()) return rawOp(OneDnn.SWISH, [x!], FLOAT)[0]!;
    return tf.tidy(() => tf.mul(x as tf.Tensor, tf.sigmoid(x as tf.Tensor)));
  },
  {
    inputsToSave: ["x"],
    gradFunc: (dy, [x]) => ({
      x: () => {
        if (paysAsOneKernel(x!)) return gradientInOnePass(x!, dy as tf.Tensor);
        const input = shortlyBefore(x!, dy as tf.Tensor);
        const sigmoid = tf.sigmoid(input);
        // x sigmoid (1 - sigmoid): TensorFlow multiplies the slope of the sigmoid with what it is given.
        const rest = rawOp("SigmoidGrad", [sigmoid, input], FLOAT)[0]!;
        return tf.mul(dy as tf.Tensor, tf.add(sigmoid, rest));
      },
    }),
  },
);

/** The gradient of {@linkcode swish} in one pass. */
function gradientInOnePass(x: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  return oneKernel("swish gradient", [x, dy], (x, dy) => {
    const sigmoid = tf.sigmoid(x!);
    return [tf.mul(dy!, tf.add(sigmoid, tf.mul(x!, tf.mul(sigmoid, tf.sub(1, sigmoid)))))];
  })[0]!;
}

/** `x sigmoid(x)` (Ramachandran et al. 2017); its gradient keeps only `x` in memory. */
export function swish(x: tf.Tensor4D): tf.Tensor4D {
  return run(SWISH, { x });
}
