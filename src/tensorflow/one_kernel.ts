import { AttributeKind } from "./attributes.ts";
import { backend, eager, tf } from "./backend.ts";
import { DataType } from "./c_api.ts";
import { GraphBinding } from "./graph.ts";
import { isTraced, TraceError } from "./traced.ts";

/** A function for XLA, and what it returns. */
interface Compiled {
  functionName: string;
  outputs: { shape: number[]; dtype: number }[];
}

/** Kept for all traces: XLA compiles each once in a process. */
const compiled = new Map<string, Compiled>();

/** What XLA compiles on other threads. */
const ahead = new Set<Promise<void>>();

/** Waits for the kernels that XLA is still compiling: what it holds in memory until then is freed. */
export async function kernelsCompiled(): Promise<void> {
  await Promise.all(ahead);
}

function compilesKernels(): boolean {
  return backend.binding instanceof GraphBinding && backend.binding.xlaKernels;
}

/** Numbers in a map from which on passes over it cost more than compiling them. */
const LARGE_MAP = 2 ** 20;

/**
 * Whether several passes over a map are better one, with {@linkcode oneKernel}.
 *
 * @param large Numbers in a map from which on they are. Default: what pays for a gradient of swish.
 */
export function paysAsOneKernel({ shape }: tf.TensorInfo, large = LARGE_MAP): boolean {
  return compilesKernels() && tf.util.sizeFromShape(shape) >= large;
}

/**
 * `fn(...inputs)`, and in a traced function on a CPU with oneDNN, or on a GPU, as one kernel, which XLA
 * compiles (some 50 ms). Several operations that each go over large maps then read and write them once.
 * That pays for element-wise operations, shifts and concatenations; XLA's sums over a map and its matrix
 * products are slower than TensorFlow's.
 *
 * It has no gradient: call it within a kernel that has one, or where none is taken. What is bfloat16 in the
 * graph is computed in float32, and what is returned is rounded if the first input is bfloat16.
 *
 * @param name Says with the shapes and types of the inputs all that `fn` depends on.
 * @param fn Tensor operations that XLA knows, of its arguments alone.
 */
export function oneKernel(
  name: string,
  inputs: readonly tf.TensorInfo[],
  fn: (...inputs: tf.Tensor[]) => tf.Tensor[],
): tf.Tensor[] {
  const { binding } = backend;
  const ids = backend.getInputTensorIds([...inputs]);
  // With `freeze`, what depends on constants alone is computed once, now.
  if (!(binding instanceof GraphBinding) || !compilesKernels() || !ids.some(isTraced)) {
    return fn(...inputs as tf.Tensor[]);
  }
  const types = ids.map((id) => binding.describe(id));
  const key = [name, ...types.map(({ shape, dtype }) => `${dtype}[${shape}]`)].join(" ");
  let found = compiled.get(key);
  if (!found) compiled.set(key, found = compile(name, types, fn));
  const { functionName, outputs } = found;
  return binding.callCompiled(functionName, ids, outputs)
    .map((output) => backend.createOutputTensor(output));
}

function compile(
  name: string,
  inputs: Compiled["outputs"],
  fn: (...inputs: tf.Tensor[]) => tf.Tensor[],
): Compiled {
  const functionName = `one_kernel_${compiled.size}_${name.replace(/[^A-Za-z0-9]+/g, "_")}`;
  const before = backend.binding;
  const graph = new GraphBinding(eager);
  backend.binding = graph;
  tf.engine().startScope(functionName);
  try {
    const placeholders = inputs.map(({ shape, dtype }) => graph.placeholder(shape, dtype));
    const standIns = placeholders.map((placeholder) => {
      const id = graph.converted(placeholder, DataType.FLOAT);
      return backend.createOutputTensor({ id, ...graph.describe(id) });
    });
    const results = fn(...standIns);
    if (graph.captures.length > 0) {
      throw new TraceError(
        `Cannot make one kernel of ${name} as it reads tensors from outside: ` +
          `${graph.captures.length}. Pass them as inputs`,
      );
    }
    const outputs = backend.getInputTensorIds(results).map((id) => {
      return graph.converted(id, inputs[0]!.dtype);
    });
    graph.toFunction(functionName, placeholders, outputs, { returnsBfloat16: true });
    const made = { functionName, outputs: outputs.map((id) => graph.describe(id)) };
    const compiling = compileAhead(made, inputs).finally(() => ahead.delete(compiling));
    ahead.add(compiling);
    return made;
  } finally {
    tf.engine().endScope();
    backend.binding = before;
    graph.delete();
  }
}

/**
 * Runs a function once, so that XLA compiles it on another thread while the trace goes on. What is wrong
 * with it shows when the traced function runs.
 */
async function compileAhead({ functionName, outputs }: Compiled, inputs: Compiled["outputs"]) {
  const type = (name: string, value: number | number[]) => {
    return { name, type: AttributeKind.TYPE, value };
  };
  const ids = inputs.map(({ shape, dtype }) => {
    const lengths = eager.createTensor([shape.length], DataType.INT32, Int32Array.from(shape));
    const [empty] = eager.executeOp("Empty", [type("dtype", dtype)], [lengths], 1);
    eager.deleteTensor(lengths);
    return empty!.id;
  });
  const handles = ids.map((id) => eager.handle(id, functionName));
  const attributes = [
    type("Tin", inputs.map(({ dtype }) => dtype)),
    type("Tout", outputs.map(({ dtype }) => dtype)),
    { name: "f", type: AttributeKind.FUNCTION, value: functionName },
    { name: "_XlaMustCompile", type: AttributeKind.BOOL, value: true },
  ];
  const made = await eager
    .executeHandlesAsync("PartitionedCall", attributes, handles, outputs.length)
    .catch(() => []);
  for (const id of [...ids, ...made.map(({ id }) => id)]) eager.deleteTensor(id);
}
