import type { Attribute } from "./attributes.ts";
import { c, cString, type Pointer, status } from "./c_api.ts";
import { backend, eager, tf } from "./backend.ts";
import { flatten, mapTensors, signature } from "./containers.ts";
import { context } from "./context.ts";
import { chosenDevice, type DeviceChoice, usesGpu } from "./device.ts";
import { DisposedTensorError } from "./eager.ts";
import { GraphBinding } from "./graph.ts";
import { type MixedPrecision, mixedPrecisionAttributes } from "./mixed_precision.ts";
import { hasOneDnn } from "./onednn.ts";
import { isTraced, TraceError } from "./traced.ts";

/** Where and how a function computes. */
export interface CompileOptions {
  /** Default: "auto", a GPU if there is one. */
  device?: DeviceChoice;
  /** Convolutions and matrix products in this format, with bfloat16 activations too. Default: float32. */
  mixedPrecision?: MixedPrecision;
  /** Compile with XLA: pays on GPUs, not on CPUs. Default: false. */
  xla?: boolean;
}

/** How a function is compiled. */
export interface JitOptions extends CompileOptions {
  /** Shown in errors and profiles; default: the function's own name. */
  name?: string;
  /**
   * Whether the variables and other tensors from outside that the function reads become constants, with
   * the values they have when it is traced. What depends on them alone is computed once, and kernels
   * keep weights in the order they want. For models that no longer change. Default: false.
   */
  freeze?: boolean;
}

/** A function that runs as one TensorFlow function. */
export interface Jitted<Arguments extends unknown[], Result> {
  /** Runs it; the first call with new shapes traces it. */
  (...args: Arguments): Result;
  /** Runs it on another thread, so that timers, progress bars and interrupts go on. */
  async(...args: Arguments): Promise<Result>;
  /** How many signatures have been traced. */
  readonly traces: number;
  /** Frees the traced functions; a later call traces again. */
  dispose(): void;
}

interface Trace {
  functionName: string;
  /** Which of the flattened arguments the function reads. */
  argumentsRead: number[];
  /** Variables that it reads. */
  variablesRead: tf.Variable[];
  /** Variables that it assigns; their new values are its last outputs. */
  variablesWritten: tf.Variable[];
  /** Tensors from outside that it reads. */
  captured: Pointer[];
  /** Its result, with tensors that show where each output goes. */
  rebuild(outputs: tf.Tensor[]): unknown;
  results: number;
}

/** A warning is due when a function is traced as often as this: something changes in each call. */
const MANY_TRACES = 20;

let functions = 0;
let asyncWriters = 0;

/**
 * Makes one TensorFlow function of a function of tensors, as `tf.function` does in Python. TensorFlow
 * then runs its operations in parallel, fuses and prunes them, and JavaScript is left with one call.
 *
 * The function may read and assign `tf.Variable`s, take gradients (`tf.variableGrads`) and apply an
 * optimizer whose slots exist. It is traced once for each signature: shapes and types of the tensors,
 * and the values of all other arguments, which become constants. What changes from call to call (a
 * learning rate, a seed) must be a tensor. It must not read values (`dataSync`), make variables, or
 * draw random numbers in JavaScript (`tf.dropout`, `tf.randomNormal`: their first draw would be
 * repeated forever).
 *
 * @param fn Takes and returns tensors, alone or in arrays and plain objects.
 * @returns The compiled function. Its results are new tensors that the caller disposes of.
 * @throws {TraceError} On a call, if something in the function cannot be traced.
 * @throws {RangeError} If a GPU is asked for and there is none, or the options exclude one another.
 *
 * @example
 * ```ts
 * import { jit, tf } from "@/tensorflow/mod.ts";
 *
 * const norm = jit((x: tf.Tensor) => tf.sqrt(tf.sum(tf.square(x))));
 * norm(tf.tensor1d([3, 4])).print(); // 5
 * ```
 */
export function jit<Arguments extends unknown[], Result>(
  fn: (...args: Arguments) => Result,
  options: JitOptions = {},
): Jitted<Arguments, Result> {
  return jitIn(modeOf(options), fn, options);
}

/** How a function's graph is written down, and run. */
interface Mode {
  /** Of the function's calls. */
  attributes: Attribute[];
  /** Whether oneDNN's kernels may be named. */
  oneDnn: boolean;
  /** Whether parts of it may be compiled by XLA, which pays with oneDNN and on a GPU. */
  xlaKernels: boolean;
  /** Whether products and what follows them are written down in bfloat16. */
  bfloat16: boolean;
}

/**
 * @param byOptimizer Whether the graph is written down in float32, and a graph optimizer of TensorFlow
 * then brings bfloat16 into it, if it thinks that the processor has it. Default: only where there are no
 * kernels of oneDNN.
 */
export function modeOf(options: CompileOptions, byOptimizer = !hasOneDnn()): Mode {
  const { mixedPrecision, xla = false, ...rest } = options;
  const bfloat16 = mixedPrecision === "bfloat16" && !byOptimizer && !xla;
  const oneDnn = bfloat16 || hasOneDnn() && !xla && !mixedPrecision;
  return {
    attributes: compileAttributes(bfloat16 ? rest : options),
    oneDnn,
    xlaKernels: oneDnn || !xla && usesGpu(options.device),
    bfloat16,
  };
}

/** As {@linkcode jit}, in a mode. */
export function jitIn<Arguments extends unknown[], Result>(
  { attributes, ...mode }: Mode,
  fn: (...args: Arguments) => Result,
  options: JitOptions,
): Jitted<Arguments, Result> {
  const name = (options.name ?? fn.name).replace(/[^A-Za-z0-9_.]/g, "_") || "anonymous";
  const device = chosenDevice(options.device);
  const { freeze = false } = options;
  const traces = new Map<string, Trace>();

  const traceFor = (args: Arguments): Trace => {
    const key = signature(args);
    let found = traces.get(key);
    if (!found) {
      traces.set(
        key,
        found = trace(fn as (...args: unknown[]) => unknown, args, {
          name,
          freeze,
          ...mode,
        }),
      );
      if (traces.size === MANY_TRACES) {
        console.warn(
          `The jitted function ${name} has been traced ${MANY_TRACES} times: pass what changes from ` +
            `call to call as a tensor. The last signature was ${key}`,
        );
      }
    }
    return found;
  };

  const call = (...args: Arguments): Result => {
    if (runsInline()) return fn(...args);
    const traced = traceFor(args);
    refuseWhileWriting(traced, name);
    const inputs = inputHandles(traced, args);
    const count = traced.results + traced.variablesWritten.length;
    const outputs = eager.executeHandles(
      traced.functionName,
      attributes,
      inputs,
      count,
      device,
    );
    return finish(traced, outputs.map((output) => backend.createOutputTensor(output))) as Result;
  };

  const callAsync = async (...args: Arguments): Promise<Result> => {
    if (runsInline()) return fn(...args);
    const traced = traceFor(args);
    refuseWhileWriting(traced, name);
    const inputs = inputHandles(traced, args);
    const count = traced.results + traced.variablesWritten.length;
    const writes = traced.variablesWritten.length > 0 ? 1 : 0;
    asyncWriters += writes;
    try {
      const outputs = await eager.executeHandlesAsync(
        traced.functionName,
        attributes,
        inputs,
        count,
        device,
      );
      return finish(traced, outputs.map((output) => backend.createOutputTensor(output))) as Result;
    } finally {
      asyncWriters -= writes;
    }
  };

  return Object.defineProperty(
    Object.assign(call, {
      async: callAsync,
      dispose() {
        for (const traced of traces.values()) remove(traced);
        traces.clear();
      },
    }),
    "traces",
    { get: () => traces.size },
  ) as unknown as Jitted<Arguments, Result>;
}

function compileAttributes(
  { device, mixedPrecision, xla = false }: CompileOptions,
): Attribute[] {
  if (mixedPrecision) {
    return mixedPrecisionAttributes(mixedPrecision, { onGpu: usesGpu(device), xla });
  }
  return xla ? [{ name: "_XlaMustCompile", type: eager.TF_ATTR_BOOL, value: true }] : [];
}

/** Whether a function is being traced just now. */
export function isTracing(): boolean {
  return backend.binding instanceof GraphBinding;
}

/** Whether a tensor is a constant of the function that is being traced: with `freeze`, and none of its results. */
export function isConstant(tensor: tf.Tensor): boolean {
  const { binding } = backend;
  if (!(binding instanceof GraphBinding) || !binding.freeze) return false;
  return backend.getInputTensorIds([tensor]).every((id) => !isTraced(id));
}

/**
 * The same tensor; one from outside stays an input of the function that is being traced with `freeze`. TensorFlow
 * holds some eight copies of a constant: that is only worth it where an operation is faster with one.
 */
export function asInput<T extends tf.Tensor>(tensor: T): T {
  const { binding } = backend;
  if (binding instanceof GraphBinding) {
    for (const id of backend.getInputTensorIds([tensor])) {
      if (!isTraced(id)) binding.keepAsInput(id);
    }
  }
  return tensor;
}

/**
 * Whether a jitted function has to run as the plain one: within a trace it becomes a part of it, and
 * within `tf.grads` TensorFlow.js must see its operations to differentiate them.
 */
function runsInline(): boolean {
  return isTracing() || tf.engine().state.gradientDepth > 0;
}

function trace(
  fn: (...args: unknown[]) => unknown,
  args: unknown[],
  { name, ...options }: { name: string; freeze: boolean } & Omit<Mode, "attributes">,
): Trace {
  const engine = tf.engine();
  const variables = Object.values(engine.registeredVariables);
  // Values that wait to be copied to TensorFlow must get there before the graph binding stands in.
  backend.getInputTensorIds(variables);
  const argumentTensors = flatten(args);
  backend.getInputTensorIds(argumentTensors);

  const graph = new GraphBinding(eager, options);
  const originals = variables.map((variable) => variable.dataId);
  const known = new Set(Object.keys(engine.registeredVariables));
  const functionName = `${name}_${functions++}`;
  const standIn = ({ shape, dtype }: tf.TensorInfo) => {
    const integer = backend.getDTypeInteger(dtype);
    const id = graph.placeholder(shape, integer);
    return { id, tensor: backend.createOutputTensor({ id, shape, dtype: integer }) };
  };

  backend.binding = graph;
  engine.startScope(functionName);
  let swapped = 0;
  try {
    const argumentStandIns = argumentTensors.map(standIn);
    let next = 0;
    const standInArguments = mapTensors(args, () => argumentStandIns[next++]!.tensor) as unknown[];
    // A frozen variable stands in for itself: the trace reads what it holds.
    const variableStandIns = options.freeze ? [] : variables.map(standIn);
    const startingIds = variables.map((variable, i) =>
      variableStandIns[i]?.tensor.dataId ?? variable.dataId
    );
    for (const [i, variable] of variables.entries()) {
      backend.incRef(startingIds[i]!);
      variable.dataId = startingIds[i]!;
      swapped++;
    }

    const result = fn(...standInArguments);
    refuseBadResult(result, name);
    refuseNewVariables(newVariables(known), name);
    const resultTensors = flatten(result);
    const written = variables.flatMap((variable, i) =>
      variable.dataId === startingIds[i] ? [] : [i]
    );
    if (options.freeze) refuseWrites(written.map((i) => variables[i]!), name);
    const outputs = backend.getInputTensorIds([
      ...resultTensors,
      ...written.map((i) => variables[i]!),
    ]);

    // A function that returns its input reads it: that shows only when the outputs are made.
    const returned = new Set(outputs);
    const isRead = (id: number) => graph.isUsed(id) || returned.has(id);
    const argumentsRead = indicesOf(argumentStandIns, ({ id }) => isRead(id));
    const variablesRead = indicesOf(variableStandIns, ({ id }) => isRead(id));
    graph.toFunction(functionName, [
      ...argumentsRead.map((i) => argumentStandIns[i]!.id),
      ...variablesRead.map((i) => variableStandIns[i]!.id),
    ], outputs);
    // What the function kept (tf.keep) is not the scope's to free; what came from outside is neither.
    const isOwn = (tensor: tf.Tensor, i: number) =>
      isTraced(outputs[i]!) && !(tensor instanceof tf.Variable);
    tf.dispose(resultTensors.filter(isOwn));
    return {
      functionName,
      argumentsRead,
      variablesRead: variablesRead.map((i) => variables[i]!),
      variablesWritten: written.map((i) => variables[i]!),
      captured: graph.captures.map(({ id }) => shareHandle(id)),
      rebuild: (tensors) => {
        let taken = 0;
        return mapTensors(result, () => tensors[taken++]!);
      },
      results: resultTensors.length,
    };
  } finally {
    for (const variable of newVariables(known)) variable.dispose();
    for (const [i, variable] of variables.slice(0, swapped).entries()) {
      const { dataId } = variable;
      if (backend.disposeData(dataId)) engine.removeDataId(dataId, tf.backend());
      variable.dataId = originals[i]!;
    }
    engine.endScope();
    backend.binding = eager;
    graph.delete();
  }
}

function indicesOf<T>(items: T[], test: (item: T) => boolean): number[] {
  return items.flatMap((item, i) => test(item) ? [i] : []);
}

function refuseBadResult(result: unknown, name: string): void {
  if (result instanceof Promise) {
    throw new TraceError(
      `Cannot trace ${name} as it is asynchronous: a traced function must return tensors at once`,
    );
  }
  const returnsOnlyTensors = (value: unknown): boolean =>
    value === undefined || value instanceof tf.Tensor ||
    (typeof value === "object" && value !== null &&
      (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) &&
      Object.values(value).every(returnsOnlyTensors));
  if (!returnsOnlyTensors(result)) {
    throw new TraceError(
      `Cannot trace ${name} as it returns something other than tensors, alone or in arrays and ` +
        `plain objects: ${Object.prototype.toString.call(result)}`,
    );
  }
}

function newVariables(known: ReadonlySet<string>): tf.Variable[] {
  return Object.values(tf.engine().registeredVariables).filter(({ name }) => !known.has(name));
}

function refuseNewVariables(made: tf.Variable[], name: string): void {
  if (made.length === 0) return;
  throw new TraceError(
    `Cannot trace ${name} as it makes variables: ${
      made.slice(0, 3).map((v) => v.name).join(", ")
    }. ` +
      `Make them before; for an optimizer of TensorFlow.js, apply zero gradients once`,
  );
}

function refuseWrites(written: tf.Variable[], name: string): void {
  if (written.length === 0) return;
  throw new TraceError(
    `Cannot trace ${name} as it assigns variables that are frozen into it: ${
      written.slice(0, 3).map((v) => v.name).join(", ")
    }. Trace it without "freeze"`,
  );
}

function refuseWhileWriting(traced: Trace, name: string): void {
  if (asyncWriters > 0 && traced.variablesWritten.length + traced.variablesRead.length > 0) {
    throw new Error(
      `Cannot run ${name} as a call that writes variables is still under way: await it first`,
    );
  }
}

function inputHandles(traced: Trace, args: unknown[]): Pointer[] {
  const tensors = flatten(args);
  const read = [...traced.argumentsRead.map((i) => tensors[i]!), ...traced.variablesRead];
  for (const tensor of read) {
    if (tensor.isDisposed) {
      throw new DisposedTensorError(
        `Cannot run ${traced.functionName} as ${
          tensor instanceof tf.Variable ? `its variable ${tensor.name}` : "an argument"
        } has been disposed`,
      );
    }
  }
  const ids = backend.getInputTensorIds(read);
  return [...ids.map((id) => eager.handle(id, traced.functionName)), ...traced.captured];
}

/** Assigns the new values of variables and puts the other outputs into the function's result. */
function finish(traced: Trace, outputs: tf.Tensor[]): unknown {
  for (const [i, variable] of traced.variablesWritten.entries()) {
    const value = outputs[traced.results + i]!;
    variable.assign(value);
    value.dispose();
  }
  return traced.rebuild(outputs.slice(0, traced.results));
}

/** A reference of our own to a captured tensor, so that it may be disposed of outside. */
function shareHandle(id: number): Pointer {
  const handle = c.TFE_TensorHandleCopySharingTensor(eager.handle(id, "trace"), status.pointer);
  status.check("keep a captured tensor");
  return handle;
}

function remove(traced: Trace): void {
  c.TFE_ContextRemoveFunction(context, cString(traced.functionName), status.pointer);
  status.check(`remove ${traced.functionName}`);
  for (const handle of traced.captured) c.TFE_DeleteTensorHandle(handle);
}
