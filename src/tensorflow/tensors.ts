import { BYTES_PER_ELEMENT, c, DataType, type Pointer } from "./c_api.ts";

/** Values of a tensor as TensorFlow.js passes them; strings are their UTF-8 bytes. */
export type Values =
  | Float32Array
  | Int32Array
  | Uint8Array
  | BigInt64Array
  | Uint16Array
  | Uint8Array[];

/** `TF_TString` is 24 bytes on every platform. */
const STRING_BYTES = 24;

/**
 * A new `TF_Tensor` that holds a copy of the values; the caller deletes it.
 *
 * @throws {RangeError} If the values are not as many as the shape says.
 */
export function newTensor(shape: readonly number[], dtype: number, values: Values): Pointer {
  const count = shape.reduce((product, length) => product * length, 1);
  const dimensions = new BigInt64Array(shape.map(BigInt));
  const bytesPerElement = dtype === DataType.STRING ? STRING_BYTES : BYTES_PER_ELEMENT[dtype];
  if (bytesPerElement === undefined) {
    throw new TypeError(
      `Cannot create a tensor as its type is not supported: TF_DataType ${dtype}`,
    );
  }
  const byteLength = count * bytesPerElement;
  if (dtype === DataType.STRING) {
    if (!Array.isArray(values) || values.length !== count) throw wrongCount(shape, values.length);
  } else if (Array.isArray(values) || values.byteLength !== byteLength) {
    throw wrongCount(shape, values.length);
  }
  const tensor = c.TF_AllocateTensor(dtype, dimensions, shape.length, BigInt(byteLength));
  if (count === 0) return tensor;
  const data = c.TF_TensorData(tensor)!;
  if (Array.isArray(values)) {
    values.forEach((value, i) => {
      const slot = Deno.UnsafePointer.offset(data, i * STRING_BYTES);
      c.TF_StringInit(slot);
      c.TF_StringCopy(slot, new Uint8Array(value), BigInt(value.length));
    });
  } else {
    new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(data, byteLength))
      .set(new Uint8Array(values.buffer, values.byteOffset, byteLength));
  }
  return tensor;
}

function wrongCount(shape: readonly number[], count: number): RangeError {
  return new RangeError(
    `Cannot create a tensor as the number of values does not fit its shape: ` +
      `${count} values for [${shape.join(", ")}]`,
  );
}

/** A copy of a `TF_Tensor`'s values, in the typed array that TensorFlow.js expects for its type. */
export function readTensor(tensor: Pointer): Values {
  const dtype = c.TF_TensorType(tensor);
  const byteLength = Number(c.TF_TensorByteSize(tensor));
  if (dtype === DataType.STRING) return readStrings(tensor);
  const buffer = byteLength === 0
    ? new ArrayBuffer(0)
    : Deno.UnsafePointerView.getArrayBuffer(c.TF_TensorData(tensor)!, byteLength).slice(0);
  switch (dtype) {
    case DataType.FLOAT:
    case DataType.COMPLEX64:
      return new Float32Array(buffer);
    case DataType.INT32:
      return new Int32Array(buffer);
    case DataType.INT64:
      return new BigInt64Array(buffer);
    case DataType.BFLOAT16:
    case DataType.HALF:
      return new Uint16Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}

function readStrings(tensor: Pointer): Uint8Array[] {
  const data = c.TF_TensorData(tensor)!;
  return Array.from({ length: Number(c.TF_TensorElementCount(tensor)) }, (_, i) => {
    const slot = Deno.UnsafePointer.offset(data, i * STRING_BYTES);
    const size = Number(c.TF_StringGetSize(slot));
    if (size === 0) return new Uint8Array(0);
    const text = Deno.UnsafePointerView.getArrayBuffer(c.TF_StringGetDataPointer(slot)!, size);
    return new Uint8Array(text.slice(0));
  });
}
