import "./node_shim.ts";
import * as tf from "@tensorflow/tfjs";
import backendModule from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js";
import type { TensorMetadata, TFJSBinding } from "@tensorflow/tfjs-node-gpu/dist/tfjs_binding.d.ts";
import type { Attribute } from "./attributes.ts";
import { EagerBinding } from "./eager.ts";

const { NodeJSKernelBackend } = backendModule;

/** What this project uses of the package's backend; some of it is private there. */
interface Backend {
  binding: TFJSBinding;
  getDTypeInteger(dtype: tf.DataType): number;
  getInputTensorIds(tensors: tf.TensorInfo[]): number[];
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: Attribute[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
  incRef(dataId: tf.DataId): void;
  disposeData(dataId: tf.DataId): boolean;
}

/** The binding that runs operations at once. */
export const eager = new EagerBinding();

// The kernels of the package look their backend up by the name "tensorflow".
const BACKEND_NAME = "tensorflow";
const PRIORITY = 3;
tf.registerBackend(
  BACKEND_NAME,
  () => new NodeJSKernelBackend(eager as TFJSBinding, "@tensorflow/tfjs-node-gpu"),
  PRIORITY,
);
await tf.setBackend(BACKEND_NAME);
await import("@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js");

/** The package's backend class, on this project's binding. */
export const backend = tf.backend() as unknown as Backend;

/** What an operation of TensorFlow takes beside its inputs. */
export type AttributeValue =
  | { type: tf.DataType }
  | { int: number | number[] }
  | { float: number }
  | { bool: boolean }
  | { string: string }
  | { shape: number[] };

/**
 * Runs (or traces) an operation of TensorFlow by its name, for what TensorFlow.js has no function.
 * It has no gradient: register a kernel with one (`tf.registerKernel`, `tf.registerGradient`), or use
 * `tf.customGrad`.
 *
 * @param name For example "StatelessRandomUniformV2"; see TensorFlow's `raw_ops`.
 * @param inputs The operation's inputs, in order.
 * @param attributes Its attributes by name.
 * @param outputs How many outputs it has.
 */
export function rawOp(
  name: string,
  inputs: tf.TensorInfo[],
  attributes: Record<string, AttributeValue>,
  outputs = 1,
): tf.Tensor[] {
  const list = Object.entries(attributes).map(([key, value]) => toAttribute(key, value));
  return backend.executeMultipleOutputs(name, list, inputs, outputs);
}

function toAttribute(name: string, value: AttributeValue): Attribute {
  if ("type" in value) {
    return { name, type: eager.TF_ATTR_TYPE, value: backend.getDTypeInteger(value.type) };
  }
  if ("int" in value) return { name, type: eager.TF_ATTR_INT, value: value.int };
  if ("float" in value) return { name, type: eager.TF_ATTR_FLOAT, value: value.float };
  if ("bool" in value) return { name, type: eager.TF_ATTR_BOOL, value: value.bool };
  if ("string" in value) return { name, type: eager.TF_ATTR_STRING, value: value.string };
  return { name, type: eager.TF_ATTR_SHAPE, value: value.shape };
}

export { tf };
