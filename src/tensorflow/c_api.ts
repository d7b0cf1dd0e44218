/**
 * The part of TensorFlow's C API that this project calls, through Deno's foreign function interface.
 * Names and arguments are those of `tensorflow/c/c_api.h`, `tensorflow/c/eager/c_api.h` and, for
 * collectives, `tensorflow/c/eager/c_api_experimental.h`.
 */
import { keepLoaded } from "./keep_loaded.ts";
import { findTensorFlow, type TensorFlowLibrary, TensorFlowNotFoundError } from "./library.ts";
import { quietly } from "./quiet_start.ts";

/** TensorFlow's numbers for the types of tensor elements (`TF_DataType`). */
export const DataType = {
  FLOAT: 1,
  DOUBLE: 2,
  INT32: 3,
  UINT8: 4,
  STRING: 7,
  COMPLEX64: 8,
  INT64: 9,
  BOOL: 10,
  BFLOAT16: 14,
  HALF: 19,
  RESOURCE: 20,
} as const;

/** Bytes of one element, for the types whose elements have a fixed size. */
export const BYTES_PER_ELEMENT: Readonly<Record<number, number>> = {
  [DataType.FLOAT]: 4,
  [DataType.DOUBLE]: 8,
  [DataType.INT32]: 4,
  [DataType.UINT8]: 1,
  [DataType.COMPLEX64]: 8,
  [DataType.INT64]: 8,
  [DataType.BOOL]: 1,
  [DataType.BFLOAT16]: 2,
  [DataType.HALF]: 2,
};

const P = "pointer";
const B = "buffer";
/** `TF_Output`: an operation and which of its outputs, passed by value. */
const OUTPUT = { struct: [P, "i32"] } as const;

const SYMBOLS = {
  TF_Version: { parameters: [], result: P },
  TF_NewStatus: { parameters: [], result: P },
  TF_DeleteStatus: { parameters: [P], result: "void" },
  TF_SetStatus: { parameters: [P, "i32", B], result: "void" },
  TF_GetCode: { parameters: [P], result: "i32" },
  TF_Message: { parameters: [P], result: P },
  TF_DeleteBuffer: { parameters: [P], result: "void" },
  TF_GetAllOpList: { parameters: [], result: P },

  TF_AllocateTensor: { parameters: ["i32", B, "i32", "usize"], result: P },
  TF_TensorData: { parameters: [P], result: P },
  TF_TensorByteSize: { parameters: [P], result: "usize" },
  TF_TensorElementCount: { parameters: [P], result: "i64" },
  TF_TensorType: { parameters: [P], result: "i32" },
  TF_DeleteTensor: { parameters: [P], result: "void" },
  TF_StringInit: { parameters: [P], result: "void" },
  TF_StringCopy: { parameters: [P, B, "usize"], result: "void" },
  TF_StringGetDataPointer: { parameters: [P], result: P },
  TF_StringGetSize: { parameters: [P], result: "usize" },

  TFE_NewContextOptions: { parameters: [], result: P },
  TFE_ContextOptionsSetConfig: { parameters: [P, B, "usize", P], result: "void" },
  TFE_DeleteContextOptions: { parameters: [P], result: "void" },
  TFE_NewContext: { parameters: [P, P], result: P },
  TFE_ContextListDevices: { parameters: [P, P], result: P },
  TFE_ContextAddFunction: { parameters: [P, P, P], result: "void" },
  TFE_ContextRemoveFunction: { parameters: [P, B, P], result: "void" },
  TFE_EnableCollectiveOps: { parameters: [P, B, "usize", P], result: "void" },
  TFE_AbortCollectiveOps: { parameters: [P, P], result: "void" },
  TF_DeviceListCount: { parameters: [P], result: "i32" },
  TF_DeviceListName: { parameters: [P, "i32", P], result: P },
  TF_DeviceListType: { parameters: [P, "i32", P], result: P },
  TF_DeleteDeviceList: { parameters: [P], result: "void" },

  TFE_NewTensorHandle: { parameters: [P, P], result: P },
  TFE_DeleteTensorHandle: { parameters: [P], result: "void" },
  TFE_TensorHandleCopySharingTensor: { parameters: [P, P], result: P },
  TFE_TensorHandleDataType: { parameters: [P], result: "i32" },
  TFE_TensorHandleNumDims: { parameters: [P, P], result: "i32" },
  TFE_TensorHandleDim: { parameters: [P, "i32", P], result: "i64" },
  TFE_TensorHandleResolve: { parameters: [P, P], result: P },

  TFE_NewOp: { parameters: [P, B, P], result: P },
  TFE_DeleteOp: { parameters: [P], result: "void" },
  TFE_OpSetDevice: { parameters: [P, B, P], result: "void" },
  TFE_OpAddInput: { parameters: [P, P, P], result: "void" },
  TFE_OpSetAttrType: { parameters: [P, B, "i32"], result: "void" },
  TFE_OpSetAttrInt: { parameters: [P, B, "i64"], result: "void" },
  TFE_OpSetAttrFloat: { parameters: [P, B, "f32"], result: "void" },
  TFE_OpSetAttrBool: { parameters: [P, B, "u8"], result: "void" },
  TFE_OpSetAttrString: { parameters: [P, B, B, "usize"], result: "void" },
  TFE_OpSetAttrFunctionName: { parameters: [P, B, B, "usize"], result: "void" },
  TFE_OpSetAttrIntList: { parameters: [P, B, B, "i32"], result: "void" },
  TFE_OpSetAttrStringList: { parameters: [P, B, B, B, "i32"], result: "void" },
  TFE_OpSetAttrTypeList: { parameters: [P, B, B, "i32"], result: "void" },
  TFE_OpSetAttrShape: { parameters: [P, B, B, "i32", P], result: "void" },
  TFE_Execute: { parameters: [P, B, B, P], result: "void" },

  TF_NewGraph: { parameters: [], result: P },
  TF_DeleteGraph: { parameters: [P], result: "void" },
  TF_NewOperation: { parameters: [P, B, B], result: P },
  TF_AddInput: { parameters: [P, OUTPUT], result: "void" },
  TF_AddControlInput: { parameters: [P, P], result: "void" },
  TF_AddInputList: { parameters: [P, B, "i32"], result: "void" },
  TF_SetAttrType: { parameters: [P, B, "i32"], result: "void" },
  TF_SetAttrInt: { parameters: [P, B, "i64"], result: "void" },
  TF_SetAttrFloat: { parameters: [P, B, "f32"], result: "void" },
  TF_SetAttrBool: { parameters: [P, B, "u8"], result: "void" },
  TF_SetAttrString: { parameters: [P, B, B, "usize"], result: "void" },
  TF_SetAttrIntList: { parameters: [P, B, B, "i32"], result: "void" },
  TF_SetAttrStringList: { parameters: [P, B, B, B, "i32"], result: "void" },
  TF_SetAttrTypeList: { parameters: [P, B, B, "i32"], result: "void" },
  TF_SetAttrShape: { parameters: [P, B, B, "i32"], result: "void" },
  TF_SetAttrTensor: { parameters: [P, B, P, P], result: "void" },
  TF_SetAttrFuncName: { parameters: [P, B, B, "usize"], result: "void" },
  TF_FinishOperation: { parameters: [P, P], result: P },
  TF_OperationNumOutputs: { parameters: [P], result: "i32" },
  TF_OperationOutputType: { parameters: [OUTPUT], result: "i32" },
  TF_GraphSetTensorShape: { parameters: [P, OUTPUT, B, "i32", P], result: "void" },
  TF_GraphGetTensorNumDims: { parameters: [P, OUTPUT, P], result: "i32" },
  TF_GraphGetTensorShape: { parameters: [P, OUTPUT, B, "i32", P], result: "void" },
  TF_GraphToFunctionWithControlOutputs: {
    parameters: [P, B, "u8", "i32", P, "i32", B, "i32", B, P, "i32", B, P, P, P, P],
    result: P,
  },
  TF_DeleteFunction: { parameters: [P], result: "void" },
} as const;

/** The same call on another thread, so that the event loop goes on while TensorFlow computes. */
const NONBLOCKING_SYMBOLS = {
  TFE_Execute: { parameters: [P, B, B, P], result: "void", nonblocking: true },
} as const;

/** The library that this process runs on. */
export const library: TensorFlowLibrary = findTensorFlow();

// TensorFlow reads this when it is loaded; its start-up lines are no news to a user.
if (!Deno.env.has("TF_CPP_MIN_LOG_LEVEL")) Deno.env.set("TF_CPP_MIN_LOG_LEVEL", "2");

function open() {
  try {
    keepLoaded(library.path);
    return {
      symbols: Deno.dlopen(library.path, SYMBOLS).symbols,
      nonblocking: Deno.dlopen(library.path, NONBLOCKING_SYMBOLS).symbols,
    };
  } catch (cause) {
    throw new TensorFlowNotFoundError(
      `Cannot load ${library.path} as ${(cause as Error).message}. Run "deno task setup", or set ` +
        `PNEUMOTHORAX_TENSORFLOW to another TensorFlow (2.16 or later)`,
      { cause },
    );
  }
}

const opened = quietly(open);

/** TensorFlow's functions. */
export const c = opened.symbols;
/** Those of them that have a nonblocking form, in that form. */
export const nonblocking = opened.nonblocking;

/** A pointer to one of TensorFlow's objects. */
export type Pointer = Deno.PointerValue;

/** An error that TensorFlow reported, with its status code (`TF_Code`; 3 is "invalid argument"). */
export class TensorFlowError extends Error {
  override name = "TensorFlowError";
  constructor(message: string, readonly code: number) {
    super(message);
  }
}

/** A `TF_Status` that is reused from call to call; one is needed for each call under way. */
export class Status {
  readonly pointer: Pointer = c.TF_NewStatus();

  /**
   * @param what What was tried, for the message: "run Conv2D".
   * @throws {TensorFlowError} If the last call that used this status failed.
   */
  check(what: string): void {
    const code = c.TF_GetCode(this.pointer);
    if (code === 0) return;
    // The lines after the first hold TensorFlow's own graph dump, not the reason.
    const reason = readCString(c.TF_Message(this.pointer)).split("\n")[0] ?? "";
    throw new TensorFlowError(`Cannot ${what} as TensorFlow says: ${reason}`, code);
  }

  delete(): void {
    c.TF_DeleteStatus(this.pointer);
  }
}

/** The status of all blocking calls. */
export const status = new Status();

const encoder = new TextEncoder();
const cStrings = new Map<string, Uint8Array<ArrayBuffer>>();

/** A name as a zero-terminated string; kept, as the same few names come again and again. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  let bytes = cStrings.get(text);
  if (!bytes) cStrings.set(text, bytes = encoder.encode(text + "\0"));
  return bytes;
}

/** The zero-terminated string at a pointer. */
export function readCString(pointer: Pointer): string {
  return pointer === null ? "" : new Deno.UnsafePointerView(pointer).getCString();
}

/** The version of the loaded library, for example "2.21.0". */
export const tensorflowVersion: string = readCString(c.TF_Version());
