/** One tensor of a safetensors file. */
export interface StoredTensor {
  shape: number[];
  data: Float32Array | Int32Array;
}

/** What a safetensors file holds. */
export interface Safetensors {
  tensors: Map<string, StoredTensor>;
  /** Texts by name, under the header's `__metadata__`. */
  metadata: Record<string, string>;
}

/** The bytes are no safetensors file, or not the whole of one. */
export class SafetensorsError extends SyntaxError {
  override name = "SafetensorsError";
}

/** The types that can be read, by their bytes in the file; floats become 32-bit ones. */
const TYPES: Record<string, (bytes: ArrayBuffer) => Float32Array | Int32Array> = {
  F32: (bytes) => new Float32Array(bytes),
  I32: (bytes) => new Int32Array(bytes),
  F64: (bytes) => Float32Array.from(new Float64Array(bytes)),
  F16: (bytes) => Float32Array.from(new Float16Array(bytes)),
  BF16: (bytes) => {
    // The upper half of a 32-bit float.
    const words = Uint32Array.from(new Uint16Array(bytes), (upper) => upper << 16);
    return new Float32Array(words.buffer);
  },
};
/** Bytes of one number of each type of the format that networks' files have. */
const SIZES: Record<string, number> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};
/** The first bytes of a file: the header's length as an unsigned 64-bit integer. */
const LENGTH_BYTES = 8;
/** The format's own limit. */
const LARGEST_HEADER = 100_000_000;

/** The header's key that no tensor may have. */
const METADATA = "__metadata__";

/**
 * The bytes of a safetensors file, the format of Hugging Face (https://github.com/huggingface/safetensors):
 * a JSON header with type, shape and place of each tensor, then their values.
 *
 * @throws {RangeError} If a tensor's values do not fit its shape, or its name is `__metadata__`.
 */
export function encodeSafetensors({ tensors, metadata }: Safetensors): Uint8Array {
  const entries: [string, unknown][] = [[METADATA, metadata]];
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    if (name === METADATA) {
      throw new RangeError(`Cannot store a tensor as the format reserves its name: ${name}`);
    }
    if (data.length !== countOf(shape)) {
      throw new RangeError(
        `Cannot store ${name} as it has ${data.length} values for the shape [${shape.join(", ")}]`,
      );
    }
    const end = offset + data.byteLength;
    const dtype = `${data instanceof Int32Array ? "I" : "F"}${8 * data.BYTES_PER_ELEMENT}`;
    entries.push([name, { dtype, shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  let json = JSON.stringify(Object.fromEntries(entries));
  // Values start at a multiple of 8 bytes, as the format asks.
  json += " ".repeat((LENGTH_BYTES - new TextEncoder().encode(json).length % LENGTH_BYTES) % 8);
  const header = new TextEncoder().encode(json);
  const bytes = new Uint8Array(LENGTH_BYTES + header.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, LENGTH_BYTES);
  let at = LENGTH_BYTES + header.length;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a safetensors file of floats and 32-bit integers; F64, F16 and BF16 become 32-bit floats.
 *
 * @param name The file's name, for messages.
 * @param options.skip Tells of a tensor, by its name, that it is left out, whatever its type. Default:
 * none is.
 * @throws {SafetensorsError} If the header is damaged, a tensor lies outside of the file or overlaps
 * another one, its length does not fit its shape, or its type is another one.
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  name: string,
  options: { skip?: (tensor: string) => boolean } = {},
): Safetensors {
  const refuse = (why: string): never => {
    throw new SafetensorsError(`Cannot read the weights in ${name} as ${why}`);
  };
  if (bytes.length < LENGTH_BYTES) refuse(`the file is too short: ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  const start = LENGTH_BYTES + headerLength;
  if (headerLength > LARGEST_HEADER || start > bytes.length) {
    refuse(`its header does not lie in the file: ${headerLength} of ${bytes.length} bytes`);
  }
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, start), refuse);
  const { [METADATA]: metadata = {}, ...others } = header;
  if (!isTexts(metadata)) refuse("its metadata are no texts by name");
  // JSON objects have no order; a parser puts names that are whole numbers first.
  const entries = Object.entries(others)
    .map(([key, entry]) => ({ key, ...checkEntry(key, entry, refuse) }))
    .sort((a, b) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1]);

  const tensors = new Map<string, StoredTensor>();
  let end = 0;
  for (const { key, dtype, shape, data_offsets: [from, to] } of entries) {
    const skipped = options.skip?.(key) ?? false;
    const known = Object.hasOwn(skipped ? SIZES : TYPES, dtype);
    if (!known) refuse(`the type of ${key} is not supported: ${dtype}`);
    if (to - from !== countOf(shape) * SIZES[dtype]!) {
      refuse(`${key} has ${to - from} bytes for the shape [${shape}]`);
    }
    if (from !== end) refuse(`the values of ${key} start at ${from} instead of ${end}`);
    if (start + to > bytes.length) refuse(`the file ends before the values of ${key} do`);
    end = to;
    if (skipped) continue;
    // A copy, as a typed array must start at a multiple of its element's size.
    const copy = new Uint8Array(bytes.subarray(start + from, start + to)).buffer;
    tensors.set(key, { shape, data: TYPES[dtype]!(copy) });
  }
  if (start + end !== bytes.length) {
    refuse(`${bytes.length - start - end} bytes follow its last tensor`);
  }
  return { tensors, metadata: metadata as Record<string, string> };
}

function parseHeader(bytes: Uint8Array, refuse: (why: string) => never): Record<string, unknown> {
  try {
    const header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (isObject(header)) return header;
  } catch (error) {
    refuse(`its header is damaged: ${(error as Error).message}`);
  }
  return refuse("its header is no JSON object");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((text) => typeof text === "string");
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

function checkEntry(key: string, entry: unknown, refuse: (why: string) => never): Entry {
  const { dtype, shape, data_offsets: offsets } = (isObject(entry) ? entry : {}) as Partial<Entry>;
  const areCounts = (list: unknown) =>
    Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (
    typeof dtype === "string" && areCounts(shape) && areCounts(offsets) && offsets!.length === 2
  ) return entry as Entry;
  return refuse(`the entry of ${key} is damaged: ${JSON.stringify(entry)}`);
}
