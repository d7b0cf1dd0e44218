import { type Attribute, AttributeKind } from "./attributes.ts";
import { DataType } from "./c_api.ts";
import { OneDnn } from "./onednn_names.ts";

/** Their products are added up in float32: in bfloat16 they take about half the time. */
const PRODUCTS: ReadonlySet<string> = new Set<string>([
  OneDnn.CONV,
  "Conv2D",
  "Conv2DBackpropInput",
  "Conv2DBackpropFilter",
  "DepthwiseConv2dNative",
  "DepthwiseConv2dNativeBackpropInput",
  "DepthwiseConv2dNativeBackpropFilter",
  "BatchMatMulV2",
  "MatMul",
]);

/**
 * Operations that only move values, or have kernels for bfloat16 that round each result once. They are
 * not faster in it, but read what a product gave, so that no cast stands between. Not among them are
 * `BiasAddGrad`, which adds up in bfloat16, and functions such as `Sigmoid`, whose kernels are slow.
 */
const FOLLOWING: ReadonlySet<string> = new Set<string>([
  OneDnn.SWISH,
  "Add",
  "AddV2",
  "AvgPool",
  "AvgPoolGrad",
  "BiasAdd",
  "ConcatV2",
  "ExpandDims",
  "FusedBatchNormGradV3",
  "FusedBatchNormV3",
  "Identity",
  "LeakyRelu",
  "LeakyReluGrad",
  "MaxPool",
  "MaxPoolGrad",
  "Mean",
  "Mul",
  "Pack",
  "Pad",
  "PadV2",
  "Relu",
  "ReluGrad",
  "Reshape",
  "Slice",
  "Split",
  "SplitV",
  "StridedSlice",
  "Sub",
  "Sum",
  "Tile",
  "Transpose",
]);

/** BatchNorm's scale, shift and statistics stay float32 beside maps in bfloat16. */
const MAPS: Readonly<Record<string, number>> = { FusedBatchNormV3: 1, FusedBatchNormGradV3: 2 };

/** oneDNN's BatchNorm takes bfloat16 in groups of so many channels, and is 4 to 17 times slower else. */
const BATCH_NORM_CHANNELS = 16;

/** An operation that is to be recorded; its types are those in the graph. */
export interface Operation {
  name: string;
  attributes: Attribute[];
  inputs: { dtype: number; shape: number[] }[];
}

/**
 * What is bfloat16 where weights are constants. There the activations and BatchNorm are in the convolutions
 * already; what is left around them is faster in float32.
 */
const FROZEN: ReadonlySet<string> = new Set<string>([
  ...Object.values(OneDnn),
  "AvgPool",
  "ConcatV2",
  "Conv2D",
  "Conv2DBackpropInput",
  "LeakyRelu",
  "MaxPool",
  "Slice",
  "TensorStridedSliceUpdate",
]);

/**
 * How many inputs an operation reads in bfloat16, from the first on: all that are float32 or bfloat16, or
 * BatchNorm's maps, or 0 where it computes in float32. Products always do; other operations where the
 * largest thing that they read is bfloat16 already, and they have a good kernel.
 *
 * @param freeze Whether weights are constants of the function.
 */
export function inputsInBfloat16(operation: Operation, freeze: boolean): number {
  const { name, inputs } = operation;
  if (freeze) return FROZEN.has(name) ? inputs.length : 0;
  const isWanted = PRODUCTS.has(name) || FOLLOWING.has(name) && readsBfloat16(inputs);
  return isWanted && !isSlow(operation) ? MAPS[name] ?? inputs.length : 0;
}

/** Whether one of the largest inputs is bfloat16: beside it a bias or a scale does not count. */
function readsBfloat16(inputs: Operation["inputs"]): boolean {
  const floats = inputs.filter(({ dtype }) => isFloat(dtype));
  const sizes = floats.map(({ shape }) => shape.reduce((size, length) => size * length, 1));
  const largest = Math.max(...sizes);
  return floats.some(({ dtype }, i) => dtype === DataType.BFLOAT16 && sizes[i] === largest);
}

/** Whether an operation's kernel for bfloat16 takes several times as long as that for float32. */
function isSlow({ name, attributes, inputs }: Operation): boolean {
  if (name.startsWith("FusedBatchNorm")) {
    return inputs[0]!.shape.at(-1)! % BATCH_NORM_CHANNELS !== 0;
  }
  if (name !== "DepthwiseConv2dNativeBackpropInput") return false;
  const strides = attributes.find(({ name }) => name === "strides")?.value as number[];
  return strides.some((stride) => stride !== 1);
}

/**
 * What stands for an operation that passes on what it is given, in the type that it has.
 *
 * @returns Its name and attributes, or `undefined` for another operation.
 */
export function passedOn(
  name: string,
  attributes: Attribute[],
  inputs: Operation["inputs"],
): Pick<Operation, "name" | "attributes"> | undefined {
  const types = inputs.map(({ dtype }) => dtype);
  const typed = (value: number | number[]) => [{ name: "T", type: AttributeKind.TYPE, value }];
  if (name === "IdentityN") return { name, attributes: typed(types) };
  // TensorFlow.js casts to float32 what it takes for something else, or to be sure.
  const isToFloat32 = attributes.some(({ name, value }) =>
    name === "DstT" && value === DataType.FLOAT
  );
  if (name !== "Cast" || !isToFloat32 || !isFloat(types[0]!)) return undefined;
  return { name: "Identity", attributes: typed(types[0]!) };
}

/** Whether a type is one of the two. */
export function isFloat(dtype: number): boolean {
  return dtype === DataType.FLOAT || dtype === DataType.BFLOAT16;
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
