import "./node_shim.ts";
import * as tf from "@tensorflow/tfjs";
import backendModule from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js";
import type { TensorMetadata, TFJSBinding } from "@tensorflow/tfjs-node-gpu/dist/tfjs_binding.d.ts";
import type { Attribute } from "./attributes.ts";
import { DisposedTensorError, EagerBinding, HOW_TO_KEEP } from "./eager.ts";
import { opDefinition } from "./op_definitions.ts";

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
tf.registerBackend(BACKEND_NAME, newBackend, PRIORITY);
await tf.setBackend(BACKEND_NAME);
await import("@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js");

/** The package's backend class, on this project's binding. */
export const backend = tf.backend() as unknown as Backend;

function newBackend(): tf.KernelBackend {
  const made = new NodeJSKernelBackend(eager as TFJSBinding, "@tensorflow/tfjs-node-gpu");
  // A tensor that is not in the backend's map is looked for in other backends. If none has it, it was
  // disposed, and TensorFlow.js would go on to read a property of undefined.
  const mover = {
    moveData(to: tf.KernelBackend, dataId: tf.DataId) {
      if (tf.engine().state.tensorInfo.has(dataId)) return tf.engine().moveData(to, dataId);
      throw new DisposedTensorError(`Cannot use a tensor as it has been disposed. ${HOW_TO_KEEP}`);
    },
  };
  return Object.assign(made, { tensorMap: new tf.DataStorage(made, mover) });
}

/** What an operation of TensorFlow takes beside its inputs. */
export type AttributeValue =
  | { type: tf.DataType | "uint8" | (tf.DataType | "uint8")[] }
  | { int: number | number[] }
  | { float: number }
  | { bool: boolean }
  | { string: string | string[] }
  | { shape: number[] };

/**
 * Runs (or traces) an operation of TensorFlow by its name, for what TensorFlow.js has no function.
 * It has no gradient: register a kernel with one (`tf.registerKernel`, `tf.registerGradient`), or use
 * `tf.customGrad`.
 *
 * The inputs' ranks must be right: TensorFlow.js checks them before it calls an operation, here nobody
 * does, and some operations of TensorFlow (convolutions through oneDNN) end the process on a wrong
 * one instead of reporting it. What TensorFlow does not know among the attributes it ignores.
 *
 * @param name For example "StatelessRandomUniformV2"; see TensorFlow's `raw_ops`.
 * @param inputs The operation's inputs, in order.
 * @param attributes Its attributes by name.
 * @param outputs How many outputs it has.
 * @throws {TensorFlowError} If TensorFlow refuses the inputs or attributes, or has no such operation.
 * @throws {RangeError} If the number of inputs is wrong.
 * @throws {TraceError} If it cannot be traced.
 * @throws {DisposedTensorError} If an input has been disposed.
 */
export function rawOp(
  name: string,
  inputs: tf.TensorInfo[],
  attributes: Record<string, AttributeValue>,
  outputs = 1,
): tf.Tensor[] {
  refuseWrongInputs(name, inputs.length);
  const list = Object.entries(attributes).map(([key, value]) => toAttribute(key, value));
  return backend.executeMultipleOutputs(name, list, inputs, outputs);
}

/** Some versions of TensorFlow (2.16) end the process on an input too many. A trace looks itself. */
function refuseWrongInputs(name: string, count: number): void {
  const wanted = backend.binding === eager ? opDefinition(name)?.inputs : undefined;
  const takesLists = wanted?.some((input) => input.numberAttribute || input.typeListAttribute);
  if (!wanted || takesLists || wanted.length === count) return;
  throw new RangeError(
    `Cannot run ${name} as the number of its inputs must be ${wanted.length}: ${count}`,
  );
}

function toAttribute(name: string, value: AttributeValue): Attribute {
  if ("type" in value) {
    const { type } = value;
    const number = (type: tf.DataType | "uint8") =>
      type === "uint8" ? eager.TF_UINT8 : backend.getDTypeInteger(type);
    return {
      name,
      type: eager.TF_ATTR_TYPE,
      value: Array.isArray(type) ? type.map(number) : number(type),
    };
  }
  if ("int" in value) return { name, type: eager.TF_ATTR_INT, value: value.int };
  if ("float" in value) return { name, type: eager.TF_ATTR_FLOAT, value: value.float };
  if ("bool" in value) return { name, type: eager.TF_ATTR_BOOL, value: value.bool };
  if ("string" in value) return { name, type: eager.TF_ATTR_STRING, value: value.string };
  return { name, type: eager.TF_ATTR_SHAPE, value: value.shape };
}

export { tf };
