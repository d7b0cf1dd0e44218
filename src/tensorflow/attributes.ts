import { c, cString, type Pointer, status } from "./c_api.ts";

/** The kinds of attribute, numbered as in the interface of `tfjs-node-gpu`. */
export const AttributeKind = {
  STRING: 0,
  INT: 1,
  FLOAT: 2,
  BOOL: 3,
  TYPE: 4,
  SHAPE: 5,
  RESOURCE: 6,
  /** Not in that interface: the name of a function. */
  FUNCTION: 7,
} as const;

/** An attribute of an operation, as `tfjs-node-gpu` passes it. */
export interface Attribute {
  name: string;
  type: number;
  value: boolean | number | object | string | number[] | string[];
}

/** The functions that set attributes, which an eager operation and a graph node have in two forms. */
const SETTERS = {
  eager: {
    string: c.TFE_OpSetAttrString,
    stringList: c.TFE_OpSetAttrStringList,
    int: c.TFE_OpSetAttrInt,
    intList: c.TFE_OpSetAttrIntList,
    float: c.TFE_OpSetAttrFloat,
    bool: c.TFE_OpSetAttrBool,
    function: c.TFE_OpSetAttrFunctionName,
    type: c.TFE_OpSetAttrType,
    typeList: c.TFE_OpSetAttrTypeList,
    shape: (op: Pointer, name: Uint8Array<ArrayBuffer>, dims: BigInt64Array<ArrayBuffer>) =>
      c.TFE_OpSetAttrShape(op, name, dims, dims.length, status.pointer),
  },
  graph: {
    string: c.TF_SetAttrString,
    stringList: c.TF_SetAttrStringList,
    int: c.TF_SetAttrInt,
    intList: c.TF_SetAttrIntList,
    float: c.TF_SetAttrFloat,
    bool: c.TF_SetAttrBool,
    function: c.TF_SetAttrFuncName,
    type: c.TF_SetAttrType,
    typeList: c.TF_SetAttrTypeList,
    shape: (op: Pointer, name: Uint8Array<ArrayBuffer>, dims: BigInt64Array<ArrayBuffer>) =>
      c.TF_SetAttrShape(op, name, dims, dims.length),
  },
};

/** Sets one attribute of an eager operation or of a graph node that is being built. */
export function setAttribute(mode: "eager" | "graph", op: Pointer, attribute: Attribute): void {
  const { type, value } = attribute;
  const name = cString(attribute.name);
  const set = SETTERS[mode];
  switch (type) {
    case AttributeKind.STRING: {
      if (Array.isArray(value)) return set.stringList(op, name, ...packStrings(value.map(String)));
      const isBytes = value instanceof Uint8Array;
      const text = isBytes ? new Uint8Array(value) : new TextEncoder().encode(String(value));
      return set.string(op, name, text, BigInt(text.length));
    }
    case AttributeKind.INT: {
      if (!Array.isArray(value)) return set.int(op, name, BigInt(Number(value)));
      return set.intList(op, name, new BigInt64Array(value.map(BigInt)), value.length);
    }
    case AttributeKind.FLOAT:
      return set.float(op, name, Number(value));
    case AttributeKind.BOOL:
      return set.bool(op, name, value ? 1 : 0);
    case AttributeKind.TYPE:
      if (!Array.isArray(value)) return set.type(op, name, Number(value));
      return set.typeList(op, name, new Int32Array(value.map(Number)), value.length);
    case AttributeKind.FUNCTION:
      return set.function(op, name, cString(String(value)), BigInt(String(value).length));
    case AttributeKind.SHAPE:
      return set.shape(op, name, new BigInt64Array((value as number[]).map(BigInt)));
    default:
      throw new TypeError(
        `Cannot set the attribute ${attribute.name} as its kind is not supported: ${type}`,
      );
  }
}

/** Addresses, lengths and number of some strings, as TensorFlow takes a list of them. */
function packStrings(
  strings: string[],
): [BigUint64Array<ArrayBuffer>, BigUint64Array<ArrayBuffer>, number] {
  // Kept by cString, so that the addresses stay good.
  const bytes = strings.map(cString);
  const addresses = bytes.map((b) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(b)));
  // Without the zero at the end.
  const lengths = bytes.map((b) => BigInt(b.length - 1));
  return [new BigUint64Array(addresses), new BigUint64Array(lengths), strings.length];
}
