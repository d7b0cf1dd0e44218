import type {
  TensorMetadata,
  TFEOpAttr,
  TFJSBinding,
} from "@tensorflow/tfjs-node-gpu/dist/tfjs_binding.d.ts";
import { type Attribute, AttributeKind, setAttribute } from "./attributes.ts";
import {
  c,
  cString,
  DataType,
  nonblocking,
  type Pointer,
  Status,
  status,
  tensorflowVersion,
} from "./c_api.ts";
import { context, listDevices } from "./context.ts";
import { HandleTable } from "./handle_table.ts";
import { newTensor, readTensor, type Values } from "./tensors.ts";
import { isTraced, TraceError } from "./traced.ts";

/** A tensor was used after it was disposed. */
export class DisposedTensorError extends Error {
  override name = "DisposedTensorError";
}

/** What to do about it, for messages. */
export const HOW_TO_KEEP =
  "Return it from the tf.tidy() or traced function that made it, keep it with " +
  "tf.keep(), or dispose of it later";

/** The constants and classes of `tfjs-node-gpu`'s addon, shared by the eager and the graph binding. */
export abstract class Binding implements TFJSBinding {
  readonly TF_FLOAT = DataType.FLOAT;
  readonly TF_INT32 = DataType.INT32;
  readonly TF_INT64 = DataType.INT64;
  readonly TF_BOOL = DataType.BOOL;
  readonly TF_COMPLEX64 = DataType.COMPLEX64;
  readonly TF_STRING = DataType.STRING;
  readonly TF_RESOURCE = DataType.RESOURCE;
  readonly TF_UINT8 = DataType.UINT8;
  readonly TF_ATTR_STRING = AttributeKind.STRING;
  readonly TF_ATTR_INT = AttributeKind.INT;
  readonly TF_ATTR_FLOAT = AttributeKind.FLOAT;
  readonly TF_ATTR_BOOL = AttributeKind.BOOL;
  readonly TF_ATTR_TYPE = AttributeKind.TYPE;
  readonly TF_ATTR_SHAPE = AttributeKind.SHAPE;
  readonly TF_ATTR_RESOURCE = AttributeKind.RESOURCE;
  readonly TF_Version = tensorflowVersion;
  readonly TensorMetadata = class {
    id = 0;
    shape: number[] = [];
    dtype = 0;
  };
  readonly TFEOpAttr = class {
    name = "";
    type = 0;
    value: TFEOpAttr["value"] = 0;
  };

  abstract createTensor(shape: number[], dtype: number, values: Values): number;
  abstract deleteTensor(id: number): void;
  abstract tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array;
  abstract executeOp(
    name: string,
    attributes: Attribute[],
    inputs: number[],
    outputs: number,
  ): TensorMetadata[];
  abstract getNumOfTensors(): number;

  isUsingGpuDevice(): boolean {
    return listDevices().some((device) => device.type === "GPU");
  }
  loadSavedModel(): number {
    throw new Error("Cannot load a SavedModel as this binding does not support them");
  }
  deleteSavedModel(): void {}
  runSavedModel(): TensorMetadata[] {
    return [];
  }
  getNumOfSavedModels(): number {
    return 0;
  }
}

/** Runs each operation at once, on TensorFlow's eager runtime. */
export class EagerBinding extends Binding {
  readonly #handles = new HandleTable();

  override createTensor(shape: number[], dtype: number, values: Values): number {
    const tensor = newTensor(shape, dtype, values);
    try {
      const handle = c.TFE_NewTensorHandle(tensor, status.pointer);
      status.check(`create a tensor of shape [${shape.join(", ")}]`);
      return this.#handles.add(handle);
    } finally {
      c.TF_DeleteTensor(tensor);
    }
  }

  override deleteTensor(id: number): void {
    // A tensor that outlived its trace has nothing to free.
    if (isTraced(id)) return;
    c.TFE_DeleteTensorHandle(this.handle(id, "dispose of a tensor"));
    this.#handles.delete(id);
  }

  override tensorDataSync(id: number): Float32Array {
    const tensor = c.TFE_TensorHandleResolve(this.handle(id, "read a tensor"), status.pointer);
    status.check("read a tensor");
    try {
      // TensorFlow.js reads the other types through the same declaration.
      return readTensor(tensor) as Float32Array;
    } finally {
      c.TF_DeleteTensor(tensor);
    }
  }

  override executeOp(
    name: string,
    attributes: Attribute[],
    inputs: number[],
    outputs: number,
  ): TensorMetadata[] {
    return this.executeHandles(
      name,
      attributes,
      inputs.map((id) => this.handle(id, name)),
      outputs,
    );
  }

  /** As {@linkcode executeOp}, with the inputs as `TFE_TensorHandle`s, and on a device of that name. */
  executeHandles(
    name: string,
    attributes: Attribute[],
    inputs: Pointer[],
    outputs: number,
    device?: string,
  ): TensorMetadata[] {
    const op = this.#newOp(name, attributes, inputs, status, device);
    const returned = new BigUint64Array(outputs);
    const count = new Int32Array([outputs]);
    try {
      c.TFE_Execute(op, returned, count, status.pointer);
      status.check(`run ${name}`);
    } finally {
      c.TFE_DeleteOp(op);
    }
    return this.#outputs(returned, count);
  }

  /** As {@linkcode executeHandles}, while the event loop goes on. */
  async executeHandlesAsync(
    name: string,
    attributes: Attribute[],
    inputs: Pointer[],
    outputs: number,
    device?: string,
  ): Promise<TensorMetadata[]> {
    const call = new Status();
    try {
      const op = this.#newOp(name, attributes, inputs, call, device);
      const returned = new BigUint64Array(outputs);
      const count = new Int32Array([outputs]);
      try {
        await nonblocking.TFE_Execute(op, returned, count, call.pointer);
        call.check(`run ${name}`);
      } finally {
        c.TFE_DeleteOp(op);
      }
      return this.#outputs(returned, count);
    } finally {
      call.delete();
    }
  }

  /**
   * The `TFE_TensorHandle` of a tensor.
   *
   * @throws {DisposedTensorError} If the tensor has been disposed.
   * @throws {TraceError} If it was made inside a traced function, and so has no values.
   */
  handle(id: number, user: string): Pointer {
    const handle = this.#handles.get(id);
    if (handle !== undefined) return handle;
    const what = `Cannot ${/ /.test(user) ? user : `run ${user}`}`;
    if (isTraced(id)) {
      throw new TraceError(
        `${what} as the tensor was made inside a traced function and exists only there: number ` +
          `${id}. Return it from the function`,
      );
    }
    throw new DisposedTensorError(
      `${what} as the tensor has been disposed: number ${id}. ${HOW_TO_KEEP}`,
    );
  }

  /** Shape and type of a handle. */
  describe(handle: Pointer): { shape: number[]; dtype: number } {
    const rank = c.TFE_TensorHandleNumDims(handle, status.pointer);
    status.check("read a tensor's shape");
    const shape = Array.from(
      { length: rank },
      (_, i) => Number(c.TFE_TensorHandleDim(handle, i, status.pointer)),
    );
    return { shape, dtype: c.TFE_TensorHandleDataType(handle) };
  }

  /** How many tensors are alive in TensorFlow. */
  override getNumOfTensors(): number {
    return this.#handles.size;
  }

  #newOp(
    name: string,
    attributes: Attribute[],
    inputs: Pointer[],
    call: Status,
    device?: string,
  ): Pointer {
    const op = c.TFE_NewOp(context, cString(name), call.pointer);
    call.check(`run ${name}`);
    try {
      if (device !== undefined) {
        c.TFE_OpSetDevice(op, cString(device), call.pointer);
        call.check(`put ${name} on ${device}`);
      }
      for (const input of inputs) c.TFE_OpAddInput(op, input, call.pointer);
      call.check(`give ${name} its inputs`);
      for (const attribute of attributes) setAttribute("eager", op, attribute);
      return op;
    } catch (error) {
      c.TFE_DeleteOp(op);
      throw error;
    }
  }

  #outputs(returned: BigUint64Array, count: Int32Array): TensorMetadata[] {
    return Array.from(returned.subarray(0, count[0]), (address) => {
      const handle = Deno.UnsafePointer.create(address);
      return { id: this.#handles.add(handle), ...this.describe(handle) };
    });
  }
}
