import type { TensorMetadata } from "@tensorflow/tfjs-node-gpu/dist/tfjs_binding.d.ts";
import { type Attribute, AttributeKind, setAttribute } from "./attributes.ts";
import { bfloat16Attributes, inputsInBfloat16, isFloat, passedOn } from "./bfloat16.ts";
import { BYTES_PER_ELEMENT, c, cString, DataType, type Pointer, status } from "./c_api.ts";
import { context } from "./context.ts";
import { Binding, type EagerBinding } from "./eager.ts";
import { opDefinition } from "./op_definitions.ts";
import { newTensor, type Values } from "./tensors.ts";
import { FIRST_TRACED_ID, isTraced, TraceError } from "./traced.ts";

/** Each trace has numbers of its own, so that a tensor of another trace is recognised. */
const IDS_PER_TRACE = 2 ** 24;
let traces = 0;
/** A constant that was made during the trace and is larger than this becomes an input instead. */
const LARGEST_CONSTANT_BYTES = 1 << 16;
/** Constants up to this large are looked for among those that the graph has: most are a number, a shape. */
const LARGEST_SHARED_BYTES = 64;
/** Bytes of a `TF_Output`: a pointer, a 32-bit index, padding. */
const OUTPUT_BYTES = 16;

/**
 * Operations that may read an output without a static shape: only TensorFlow itself looks at it
 * (`FusedBatchNormV3` hands its last output to its gradient), or they give it one.
 */
const READS_UNKNOWN_SHAPE = new Set(["FusedBatchNormGradV3", "EnsureShape"]);

/** Stands for what connects processes, as if it were a resource; no tensor has this number. */
const COLLECTIVES = -1;

interface Node {
  dtype: number;
  shape: number[];
  hasShape: boolean;
  /** The node in the graph; a placeholder's is made when something first reads it. */
  output: Uint8Array<ArrayBuffer> | undefined;
  source: string;
}

/** One input of the traced function that is not an argument: an eager tensor from outside. */
export interface Capture {
  /** Number of the eager tensor. */
  id: number;
  /** Number of its placeholder. */
  placeholder: number;
}

/**
 * Records operations into a `TF_Graph` instead of running them. TensorFlow.js code that runs while
 * this binding stands in for the eager one traces itself, gradients included.
 */
export class GraphBinding extends Binding {
  readonly #graph = c.TF_NewGraph();
  readonly #nodes: Node[] = [];
  readonly #captures = new Map<number, Capture>();
  readonly #constants = new Map<number, { shape: number[]; dtype: number; values: Values }>();
  readonly #firstId = FIRST_TRACED_ID + IDS_PER_TRACE * traces++;
  readonly freeze: boolean;
  readonly oneDnn: boolean;
  readonly xlaKernels: boolean;
  readonly bfloat16: boolean;
  /** Whether what is recorded now computes in float32 whatever the function does. */
  keepsFloat32 = false;
  readonly #conversions = new Map<string, number>();
  /** Operations without a computation, by the number of what they gave. */
  readonly #repeatable = new Map<number, { name: "Reshape" | "Cast"; input: number }>();
  /** Eager tensors that are not frozen. */
  readonly #inputs = new Set<number>();
  readonly #frozen = new Map<number, Uint8Array<ArrayBuffer>>();
  /** Small constants of the graph, by type, shape and values. */
  readonly #shared = new Map<string, Uint8Array<ArrayBuffer>>();
  /** The last operation on each resource, by its number. */
  readonly #resources = new Map<number, Pointer>();
  #names = 0;

  /**
   * @param options.freeze Whether eager tensors from outside become constants. Default: false.
   * @param options.oneDnn Whether oneDNN's kernels may be named. Default: false.
   * @param options.xlaKernels Whether parts of it may be compiled by XLA. Default: false.
   * @param options.bfloat16 Whether operations for which it pays compute in bfloat16. Default: false.
   */
  constructor(
    readonly eager: EagerBinding,
    { freeze = false, oneDnn = false, xlaKernels = false, bfloat16 = false } = {},
  ) {
    super();
    this.bfloat16 = bfloat16;
    this.freeze = freeze;
    this.oneDnn = oneDnn;
    this.xlaKernels = xlaKernels;
  }

  /** Eager tensors that the trace has read, in the order of their first use. */
  get captures(): Capture[] {
    return [...this.#captures.values()];
  }

  /** Makes an input of an eager tensor, with `freeze` too. */
  keepAsInput(id: number): void {
    this.#inputs.add(id);
  }

  /** How many operations the graph has. */
  get size(): number {
    return this.#names;
  }

  /** Whether something has read the placeholder. */
  isUsed(placeholder: number): boolean {
    return this.#node(placeholder).output !== undefined;
  }

  /** A tensor that stands for an input of the function. */
  placeholder(shape: number[], dtype: number): number {
    return this.#add({ dtype, shape, hasShape: true, output: undefined, source: "Placeholder" });
  }

  /**
   * A tensor made from values while tracing is an eager one, as TensorFlow.js may keep it beyond the
   * trace; an operation that reads it gets a constant with the same values.
   */
  override createTensor(shape: number[], dtype: number, values: Values): number {
    const id = this.eager.createTensor(shape, dtype, values);
    const byteLength = Array.isArray(values) ? 0 : values.byteLength;
    if (byteLength <= LARGEST_CONSTANT_BYTES && BYTES_PER_ELEMENT[dtype] !== undefined) {
      this.#constants.set(id, { shape, dtype, values });
    }
    return id;
  }

  override deleteTensor(id: number): void {
    if (isTraced(id)) return;
    this.#constants.delete(id);
    // A captured tensor must live until the function has taken its own reference.
    if (!this.#captures.has(id)) this.eager.deleteTensor(id);
    else this.#deleteLater.push(id);
  }
  readonly #deleteLater: number[] = [];

  override tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array {
    if (!isTraced(id)) return this.eager.tensorDataSync(id);
    throw new TraceError(
      `Cannot read the values of a tensor inside a traced function as they exist only when it runs: ` +
        `an output of ${this.#node(id).source}. Return the tensor and read it outside, or use ` +
        `operations (tf.where, tf.greater, ...) instead of JavaScript conditions`,
    );
  }

  override getNumOfTensors(): number {
    return this.eager.getNumOfTensors();
  }

  override executeOp(
    name: string,
    attributes: Attribute[],
    inputs: number[],
    outputs: number,
  ): TensorMetadata[] {
    // What depends on constants alone is computed now, once.
    if (this.freeze && !inputs.some(isTraced)) {
      return this.eager.executeOp(name, attributes, inputs, outputs);
    }
    const unchanged = this.#unchanged(name, attributes, inputs);
    return unchanged ? [unchanged] : this.#record(name, attributes, inputs, outputs);
  }

  /** The input of an operation that would return it as it is: gradients of TensorFlow.js have many. */
  #unchanged(name: string, attributes: Attribute[], inputs: number[]): TensorMetadata | undefined {
    const [id, second] = inputs;
    if (id === undefined || !isTraced(id)) return undefined;
    const { dtype, shape, hasShape } = this.#node(id);
    const isUnchanged = () => {
      if (name === "Cast") return attributes.some((a) => a.name === "DstT" && a.value === dtype);
      if (name !== "Reshape" || !hasShape || second === undefined) return false;
      const lengths = this.#constants.get(second)?.values;
      return lengths?.length === shape.length && shape.every((length, i) => length === lengths[i]);
    };
    if (!isUnchanged()) return undefined;
    return { id, shape, dtype: dtype === DataType.BFLOAT16 ? DataType.FLOAT : dtype };
  }

  /** Adds an operation to the graph, in bfloat16 where that is wanted and pays. */
  #record(
    name: string,
    attributes: Attribute[],
    inputs: number[],
    outputs: number,
  ): TensorMetadata[] {
    if (!this.bfloat16) return this.#recordAs(name, attributes, inputs, outputs);
    const read = inputs.map((id) => this.describe(id));
    const passed = passedOn(name, attributes, read);
    if (passed) return this.#recordAs(passed.name, passed.attributes, inputs, outputs);
    const operation = { name, attributes, inputs: read };
    const count = this.keepsFloat32 ? 0 : inputsInBfloat16(operation, this.freeze);
    const converted = inputs.map((id, i) =>
      this.converted(id, i < count ? DataType.BFLOAT16 : DataType.FLOAT)
    );
    const changed = count > 0 ? bfloat16Attributes(attributes) : attributes;
    const recorded = this.#recordAs(name, changed, converted, outputs);
    if (name === "Reshape" || name === "Cast") {
      this.#repeatable.set(recorded[0]!.id, { name, input: inputs[0]! });
    }
    return recorded;
  }

  /** Shape and type of a tensor as they are in the graph. */
  describe(id: number): { shape: number[]; dtype: number } {
    if (isTraced(id)) return this.#node(id);
    return this.#constants.get(id) ?? this.eager.describe(this.eager.handle(id, "convert"));
  }

  /** A tensor of float32 or bfloat16 as the one or the other; others stay. */
  converted(id: number, dtype: number): number {
    const from = this.describe(id).dtype;
    if (!isFloat(from) || from === dtype) return id;
    const key = `${id} ${dtype}`;
    let converted = this.#conversions.get(key);
    if (converted === undefined) {
      converted = this.#repeated(id, dtype) ?? this.#cast(id, from, dtype);
      this.#conversions.set(key, converted);
    }
    return converted;
  }

  #cast(id: number, from: number, to: number): number {
    const attributes = [
      { name: "SrcT", type: AttributeKind.TYPE, value: from },
      { name: "DstT", type: AttributeKind.TYPE, value: to },
    ];
    const isConstant = this.freeze && !isTraced(id);
    const [result] = isConstant
      ? this.eager.executeOp("Cast", attributes, [id], 1)
      : this.#recordAs("Cast", attributes, [id], 1);
    if (isConstant) this.#deleteLater.push(result!.id);
    return result!.id;
  }

  /**
   * The operation that a tensor came of, once more with another type: so that a kernel that is reshaped for
   * each of its readers is cast once, and what is no float is not cast twice.
   */
  #repeated(id: number, dtype: number): number | undefined {
    const { name, input } = this.#repeatable.get(id) ?? {};
    if (input === undefined || !isTraced(input)) return undefined;
    if (name === "Cast") return this.#cast(input, this.describe(input).dtype, dtype);
    const { shape } = this.#node(id);
    const shapeId = this.createTensor([shape.length], DataType.INT32, Int32Array.from(shape));
    const attributes = [{ name: "T", type: AttributeKind.TYPE, value: dtype }];
    const inputs = [this.converted(input, dtype), shapeId];
    const [result] = this.#recordAs("Reshape", attributes, inputs, 1);
    this.deleteTensor(shapeId);
    return result!.id;
  }

  #recordAs(
    name: string,
    attributes: Attribute[],
    inputs: number[],
    outputs: number,
  ): TensorMetadata[] {
    const definition = opDefinition(name);
    if (!definition) {
      throw new TraceError(`Cannot trace ${name} as this TensorFlow has no such operation`);
    }
    const resolved = inputs.map((id) => this.#read(id, name));
    const node = this.#newNode(name);
    const listAttributes = this.#addInputs(node, definition, attributes, resolved);
    const resources = inputs.filter((id) => this.#isResource(id));
    if (name.startsWith("Collective")) resources.push(COLLECTIVES);
    // Without this TensorFlow would read and change a resource in any order, and processes could wait
    // for one another in different collectives.
    for (const last of new Set(resources.flatMap((id) => this.#resources.get(id) ?? []))) {
      c.TF_AddControlInput(node, last);
    }
    for (const attribute of attributes) {
      if (!listAttributes.has(attribute.name)) setAttribute("graph", node, attribute);
    }
    const operation = c.TF_FinishOperation(node, status.pointer);
    status.check(`trace ${name}`);
    for (const id of resources) this.#resources.set(id, operation);
    const count = c.TF_OperationNumOutputs(operation);
    if (outputs > count) {
      throw new TraceError(
        `Cannot trace ${name} as the number of its outputs is ${count}: ${outputs} were asked for`,
      );
    }
    return Array.from({ length: outputs }, (_, i) => this.#output(operation, i, name));
  }

  /**
   * Records a call of a function that the eager runtime knows, which XLA compiles as a whole.
   *
   * @param outputs Shapes and types in the graph of what it returns.
   */
  callCompiled(
    functionName: string,
    inputs: number[],
    outputs: { shape: number[]; dtype: number }[],
  ): TensorMetadata[] {
    const call = "PartitionedCall";
    const node = this.#newNode(call);
    const length = BigInt(functionName.length);
    c.TF_AddInputList(node, pack(inputs.map((id) => this.#read(id, call))), inputs.length);
    const types = new Int32Array(outputs.map(({ dtype }) => dtype));
    c.TF_SetAttrTypeList(node, cString("Tout"), types, types.length);
    c.TF_SetAttrFuncName(node, cString("f"), cString(functionName), length);
    c.TF_SetAttrBool(node, cString("_XlaMustCompile"), 1);
    const operation = c.TF_FinishOperation(node, status.pointer);
    status.check(`trace a call of ${functionName}`);
    return outputs.map(({ shape }, i) => {
      // TensorFlow does not look for it inside the function.
      const lengths = new BigInt64Array(shape.map(BigInt));
      const output = packOutput(operation, i);
      c.TF_GraphSetTensorShape(this.#graph, output, lengths, shape.length, status.pointer);
      status.check(`set the shape of what ${functionName} returns`);
      return this.#output(operation, i, functionName);
    });
  }

  /**
   * Makes a function of the graph, which the eager runtime then runs by its name. Its inputs are
   * those given, followed by what was captured.
   *
   * @param options.returnsBfloat16 Whether what is bfloat16 is returned so. Default: as float32.
   */
  toFunction(
    name: string,
    inputs: number[],
    outputs: number[],
    { returnsBfloat16 = false } = {},
  ): void {
    const returned = outputs.map((id) => {
      return returnsBfloat16 ? id : this.converted(id, DataType.FLOAT);
    });
    const outs = this.#distinctOutputs(returned, new Set(inputs));
    const captured = this.captures.map((capture) => capture.placeholder);
    const ins = [...inputs, ...captured].map((id) => this.#read(id, name));
    // What changes a resource runs even if nothing comes of it.
    const last = [...new Set(this.#resources.values())];
    // deno-fmt-ignore
    const made = c.TF_GraphToFunctionWithControlOutputs(
      this.#graph, cString(name), 0, -1, null,
      ins.length, pack(ins), outs.length, pack(outs), null,
      last.length, packPointers(last), null, null, null, status.pointer,
    );
    status.check(`make a function of ${this.size} traced operations`);
    try {
      c.TFE_ContextAddFunction(context, made, status.pointer);
      status.check("add a traced function");
    } finally {
      c.TF_DeleteFunction(made);
    }
  }

  /** Frees the graph; the functions made of it stay. */
  delete(): void {
    c.TF_DeleteGraph(this.#graph);
    for (const id of this.#deleteLater) this.eager.deleteTensor(id);
  }

  /** A function may not return an input, nor the same output twice: those go through an Identity. */
  #distinctOutputs(outputs: number[], inputs: Set<number>): Uint8Array<ArrayBuffer>[] {
    const seen = new Set<number>();
    return outputs.map((id) => {
      const direct = isTraced(id) && !inputs.has(id) && !seen.has(id);
      seen.add(id);
      if (direct) return this.#read(id, "return");
      const [copy] = this.#recordAs("Identity", [], [id], 1);
      return this.#read(copy!.id, "return");
    });
  }

  #isResource(id: number): boolean {
    if (isTraced(id)) return this.#node(id).dtype === DataType.RESOURCE;
    if (this.#constants.has(id)) return false;
    return c.TFE_TensorHandleDataType(this.eager.handle(id, "trace")) === DataType.RESOURCE;
  }

  #newNode(name: string): Pointer {
    return c.TF_NewOperation(this.#graph, cString(name), cName(`${name}_${this.#names++}`));
  }

  /** The graph's tensor for a TensorFlow.js one: traced, a constant, or captured from outside. */
  #read(id: number, reader: string): Uint8Array<ArrayBuffer> {
    if (!isTraced(id)) return this.#readEager(id, reader);
    const node = this.#node(id);
    if (!node.hasShape && !READS_UNKNOWN_SHAPE.has(reader) && reader !== "return") {
      throw new TraceError(
        `Cannot trace ${reader} as its input, an output of ${node.source}, has no static shape: ` +
          `its size depends on values. Compute it outside the traced function, or give sizes as ` +
          `numbers`,
      );
    }
    node.output ??= this.#newPlaceholder(node);
    return node.output;
  }

  #readEager(id: number, reader: string): Uint8Array<ArrayBuffer> {
    const constant = this.#constants.get(id);
    if (constant) return this.#newConstant(constant);
    if (this.freeze && !this.#inputs.has(id)) return this.#readFrozen(id, reader);
    let capture = this.#captures.get(id);
    if (!capture) {
      const { shape, dtype } = this.eager.describe(this.eager.handle(id, reader));
      capture = { id, placeholder: this.placeholder(shape, dtype) };
      this.#captures.set(id, capture);
    }
    return this.#read(capture.placeholder, reader);
  }

  #readFrozen(id: number, reader: string): Uint8Array<ArrayBuffer> {
    let frozen = this.#frozen.get(id);
    if (!frozen) {
      const tensor = c.TFE_TensorHandleResolve(this.eager.handle(id, reader), status.pointer);
      status.check("freeze a tensor");
      this.#frozen.set(id, frozen = this.#newConstantOf(tensor));
    }
    return frozen;
  }

  #newPlaceholder({ shape, dtype }: Node): Uint8Array<ArrayBuffer> {
    const node = this.#newNode("Placeholder");
    c.TF_SetAttrType(node, cString("dtype"), dtype);
    c.TF_SetAttrShape(node, cString("shape"), new BigInt64Array(shape.map(BigInt)), shape.length);
    const operation = c.TF_FinishOperation(node, status.pointer);
    status.check("trace an input");
    return packOutput(operation, 0);
  }

  #newConstant(
    { shape, dtype, values }: { shape: number[]; dtype: number; values: Values },
  ): Uint8Array<ArrayBuffer> {
    if (Array.isArray(values) || values.byteLength > LARGEST_SHARED_BYTES) {
      return this.#newConstantOf(newTensor(shape, dtype, values));
    }
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const key = `${dtype} [${shape}] ${bytes}`;
    let shared = this.#shared.get(key);
    if (!shared) {
      this.#shared.set(key, shared = this.#newConstantOf(newTensor(shape, dtype, values)));
    }
    return shared;
  }

  /** A constant with the values of a `TF_Tensor`, which it frees. */
  #newConstantOf(tensor: Pointer): Uint8Array<ArrayBuffer> {
    try {
      const node = this.#newNode("Const");
      c.TF_SetAttrTensor(node, cString("value"), tensor, status.pointer);
      status.check("trace a constant");
      c.TF_SetAttrType(node, cString("dtype"), c.TF_TensorType(tensor));
      const operation = c.TF_FinishOperation(node, status.pointer);
      status.check("trace a constant");
      return packOutput(operation, 0);
    } finally {
      c.TF_DeleteTensor(tensor);
    }
  }

  /**
   * Gives a node its inputs; which of them are lists stands in the operation's definition.
   *
   * @returns The attributes that the lists' lengths set, which must not be set again.
   */
  #addInputs(
    node: Pointer,
    { name, inputs: definitions }: NonNullable<ReturnType<typeof opDefinition>>,
    attributes: Attribute[],
    inputs: Uint8Array<ArrayBuffer>[],
  ): Set<string> {
    const isList = (i: typeof definitions[number]) => i.numberAttribute || i.typeListAttribute;
    const lists = definitions.filter(isList);
    const singles = definitions.length - lists.length;
    const setByLists = new Set<string>();
    let next = 0;
    for (const definition of definitions) {
      if (!isList(definition)) {
        const input = inputs[next++];
        if (!input) throw wrongInputs(name, inputs.length);
        c.TF_AddInput(node, input);
        continue;
      }
      const attribute = definition.numberAttribute || definition.typeListAttribute;
      const value = attributes.find((given) => given.name === attribute)?.value;
      const given = Array.isArray(value) ? value.length : Number(value);
      const length = lists.length === 1 ? inputs.length - singles : given;
      if (!(length >= 0) || next + length > inputs.length) throw wrongInputs(name, inputs.length);
      c.TF_AddInputList(node, pack(inputs.slice(next, next + length)), length);
      next += length;
      setByLists.add(attribute);
    }
    if (next !== inputs.length) throw wrongInputs(name, inputs.length);
    return setByLists;
  }

  #output(operation: Pointer, index: number, source: string): TensorMetadata {
    const output = packOutput(operation, index);
    const dtype = c.TF_OperationOutputType(output);
    const rank = c.TF_GraphGetTensorNumDims(this.#graph, output, status.pointer);
    status.check(`find the shape of ${source}`);
    const dimensions = new BigInt64Array(Math.max(rank, 0));
    if (rank > 0) {
      c.TF_GraphGetTensorShape(this.#graph, output, dimensions, rank, status.pointer);
      status.check(`find the shape of ${source}`);
    }
    const hasShape = rank >= 0 && dimensions.every((length) => length >= 0n);
    const shape = hasShape ? Array.from(dimensions, Number) : [0];
    const id = this.#add({ dtype, shape, hasShape, output, source });
    // TensorFlow.js has no bfloat16: it takes such a tensor for float32.
    return { id, shape, dtype: dtype === DataType.BFLOAT16 ? DataType.FLOAT : dtype };
  }

  #add(node: Node): number {
    this.#nodes.push(node);
    return this.#firstId + this.#nodes.length - 1;
  }

  #node(id: number): Node {
    const node = this.#nodes[id - this.#firstId];
    if (!node) {
      throw new TraceError(
        `Cannot use a tensor of another traced function: number ${id}. Tensors made inside a traced ` +
          `function exist only there; return them instead`,
      );
    }
    return node;
  }
}

function wrongInputs(name: string, count: number): TraceError {
  return new TraceError(`Cannot trace ${name} as the number of its inputs is wrong: ${count}`);
}

/** Names of nodes are used once: no need to keep them as `cString` does. */
function cName(name: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(name + "\0");
}

function packOutput(operation: Pointer, index: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(OUTPUT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(Deno.UnsafePointer.value(operation)), true);
  view.setInt32(8, index, true);
  return bytes;
}

/** An array of `TF_Output`; never empty, as an empty buffer has no address. */
function pack(outputs: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(OUTPUT_BYTES * Math.max(outputs.length, 1));
  outputs.forEach((output, i) => bytes.set(output, i * OUTPUT_BYTES));
  return bytes;
}

/** An array of pointers; never empty, as an empty buffer has no address. */
function packPointers(pointers: Pointer[]): BigUint64Array<ArrayBuffer> {
  const packed = new BigUint64Array(Math.max(pointers.length, 1));
  pointers.forEach((pointer, i) => packed[i] = BigInt(Deno.UnsafePointer.value(pointer)));
  return packed;
}
