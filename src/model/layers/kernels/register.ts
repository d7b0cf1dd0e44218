import { tf } from "@/tensorflow/mod.ts";

export const FLOAT = { T: { type: "float32" } } as const;
export const NHWC = { data_format: { string: "NHWC" } } as const;

export type Inputs = tf.NamedTensorInfoMap;
export type Attributes = tf.NamedAttrMap | undefined;

/** Registers a kernel of the backend, and its gradient. */
export function register(
  kernelName: string,
  forward: (inputs: Inputs, attributes: Attributes) => tf.TensorInfo | tf.TensorInfo[],
  gradient: Omit<tf.GradConfig, "kernelName">,
): void {
  tf.registerKernel({
    kernelName,
    backendName: "tensorflow",
    kernelFunc: ({ inputs, attrs }) => forward(inputs, attrs),
  });
  tf.registerGradient({ kernelName, ...gradient });
}

/** Runs a registered kernel. */
export function run<T>(kernelName: string, inputs: Inputs, attributes: tf.NamedAttrMap = {}): T {
  return tf.engine().runKernel(
    kernelName,
    inputs as unknown as tf.NamedTensorMap,
    attributes,
  ) as unknown as T;
}
