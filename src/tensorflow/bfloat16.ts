import { type Attribute, AttributeKind } from "./attributes.ts";
import { DataType } from "./c_api.ts";
import { OneDnn } from "./onednn_names.ts";

/**
 * Operations that a CPU computes faster in bfloat16, or that only move values: with oneDNN's kernels,
 * products are added up in float32. The number is how many of the first inputs are converted.
 */
const INPUTS: ReadonlyMap<string, number> = new Map<string, number>([
  ...Object.values(OneDnn).map((name): [string, number] => [name, Infinity]),
  ["Conv2D", Infinity],
  ["Conv2DBackpropInput", Infinity],
  ["ConcatV2", Infinity],
  ["AvgPool", Infinity],
  ["MaxPool", Infinity],
  ["LeakyRelu", Infinity],
  ["Slice", Infinity],
  ["TensorStridedSliceUpdate", Infinity],
  // Scale, shift and statistics stay float32.
  ["FusedBatchNormV3", 1],
]);

/** How many of an operation's first inputs become bfloat16 in mixed precision; 0: it stays float32. */
export function bfloat16Inputs(name: string): number {
  return INPUTS.get(name) ?? 0;
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
