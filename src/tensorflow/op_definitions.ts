import { PbfReader } from "pbf";
import { c } from "./c_api.ts";

/** One input of an operation: a single tensor, or a list of them. */
export interface InputDefinition {
  name: string;
  /** The integer attribute that holds the list's length ("N"), if this input is such a list. */
  numberAttribute: string;
  /** The type-list attribute that holds the list's types, if this input is such a list. */
  typeListAttribute: string;
}

/** What TensorFlow says of an operation's inputs (`OpDef`). */
export interface OpDefinition {
  name: string;
  inputs: InputDefinition[];
}

let definitions: Map<string, OpDefinition> | undefined;

/** The definition of an operation, or `undefined` if this TensorFlow has none of that name. */
export function opDefinition(name: string): OpDefinition | undefined {
  definitions ??= readDefinitions();
  return definitions.get(name);
}

/** Whether this TensorFlow has an operation of that name. */
export function hasOperation(name: string): boolean {
  return opDefinition(name) !== undefined;
}

/** Reads the names and inputs of all operations (tensorflow/core/framework/op_def.proto). */
function readDefinitions(): Map<string, OpDefinition> {
  const OP = 1, OP_NAME = 1, OP_INPUT = 2;
  const ARG_NAME = 1, ARG_NUMBER_ATTRIBUTE = 5, ARG_TYPE_LIST_ATTRIBUTE = 6;

  const readInput = (tag: number, input: InputDefinition, reader: PbfReader) => {
    if (tag === ARG_NAME) input.name = reader.readString();
    else if (tag === ARG_NUMBER_ATTRIBUTE) input.numberAttribute = reader.readString();
    else if (tag === ARG_TYPE_LIST_ATTRIBUTE) input.typeListAttribute = reader.readString();
  };
  const readOp = (tag: number, op: OpDefinition, reader: PbfReader) => {
    if (tag === OP_NAME) op.name = reader.readString();
    else if (tag === OP_INPUT) {
      const input = { name: "", numberAttribute: "", typeListAttribute: "" };
      op.inputs.push(reader.readMessage(readInput, input));
    }
  };

  const buffer = c.TF_GetAllOpList();
  try {
    const view = new Deno.UnsafePointerView(buffer!);
    const data = Deno.UnsafePointer.create(view.getBigUint64(0));
    const length = Number(view.getBigUint64(8));
    const bytes = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(data!, length).slice(0));
    const found = new Map<string, OpDefinition>();
    new PbfReader(bytes).readFields((tag: number, all: typeof found, reader: PbfReader) => {
      if (tag !== OP) return;
      const op = reader.readMessage(readOp, { name: "", inputs: [] as InputDefinition[] });
      all.set(op.name, op);
    }, found);
    return found;
  } finally {
    c.TF_DeleteBuffer(buffer);
  }
}
