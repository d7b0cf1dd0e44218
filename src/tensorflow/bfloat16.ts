import { type Attribute, AttributeKind } from "./attributes.ts";
import { DataType } from "./c_api.ts";
import { OneDnn } from "./onednn_names.ts";

/**
 * Operations that a CPU computes faster in bfloat16, or that only move values: with oneDNN's kernels,
 * products are added up in float32. Others (sums, means, BatchNorm) have slow kernels for it or none.
 */
const OPERATIONS: ReadonlySet<string> = new Set<string>([
  ...Object.values(OneDnn),
  "Conv2D",
  "Conv2DBackpropInput",
  "ConcatV2",
  "AvgPool",
  "MaxPool",
  "LeakyRelu",
  "Slice",
  "TensorStridedSliceUpdate",
]);

/** Whether an operation computes in bfloat16 in mixed precision. */
export function isForBfloat16(name: string): boolean {
  return OPERATIONS.has(name);
}

/** An operation's attributes with bfloat16 in the place of float32. */
export function bfloat16Attributes(attributes: Attribute[]): Attribute[] {
  const changed = (value: unknown) => value === DataType.FLOAT ? DataType.BFLOAT16 : value;
  return attributes.map((attribute) => {
    const { name, type, value } = attribute;
    if (type !== AttributeKind.TYPE || !["T", "TArgs"].includes(name)) return attribute;
    const types = Array.isArray(value) ? value.map(changed) : changed(value);
    return { ...attribute, value: types as number | number[] };
  });
}
