/**
 * Makes TensorFlow compute in float64 wherever the project says float32, so that a difference is one of
 * the algorithm and not of rounding. Import it before anything else that loads TensorFlow.
 *
 * What TensorFlow.js calls float32 is then TensorFlow's DOUBLE, and `Float32Array` is `Float64Array`.
 */
import "@/tensorflow/node_shim.ts";
import * as tf from "@tensorflow/tfjs";
import { type Attribute, AttributeKind } from "@/tensorflow/attributes.ts";
import { c, DataType, type Pointer, status } from "@/tensorflow/c_api.ts";
import { type Binding, EagerBinding } from "@/tensorflow/eager.ts";
import { GraphBinding } from "@/tensorflow/graph.ts";

const { FLOAT, DOUBLE, INT32 } = DataType;
const COMPLEX128 = 18;
Object.assign(DataType, { FLOAT: DOUBLE, COMPLEX64: COMPLEX128 });
// Numbers in JavaScript too: a constant that is rounded to float32 first is as wrong as that.
globalThis.Float32Array = Float64Array as unknown as Float32ArrayConstructor;
tf.env().platform.isTypedArray = (value): value is Float32Array =>
  ArrayBuffer.isView(value) && !(value instanceof DataView);

for (const { prototype } of [EagerBinding, GraphBinding]) {
  const { executeOp } = prototype;
  prototype.executeOp = function (name, attributes, inputs, outputs) {
    const operations = new Operations(this, executeOp);
    const whole = FOR_FLOAT32_ALONE[name]?.(operations, attributes, inputs);
    if (!whole) return executeOp.call(this, name, attributes, inputs, outputs);
    return whole.slice(0, outputs);
  };
}

const { tensorDataSync } = EagerBinding.prototype;
EagerBinding.prototype.tensorDataSync = function (id: number): Float32Array {
  const handle = this.handle(id, "read a tensor");
  if (c.TFE_TensorHandleDataType(handle) !== DOUBLE) return tensorDataSync.call(this, id);
  return readDoubles(handle) as unknown as Float32Array;
};

function readDoubles(handle: Pointer): Float64Array {
  const tensor = c.TFE_TensorHandleResolve(handle, status.pointer);
  status.check("read a tensor");
  try {
    const bytes = Number(c.TF_TensorByteSize(tensor));
    if (bytes === 0) return new Float64Array();
    const values = Deno.UnsafePointerView.getArrayBuffer(c.TF_TensorData(tensor)!, bytes);
    return new Float64Array(values.slice(0));
  } finally {
    c.TF_DeleteTensor(tensor);
  }
}

type Output = ReturnType<Binding["executeOp"]>[number];
type Whole = (operations: Operations, attributes: Attribute[], inputs: number[]) => Output[];

/** TensorFlow's operations on numbers of tensors, for what is computed of several. */
class Operations {
  constructor(
    readonly binding: EagerBinding | GraphBinding,
    readonly execute: EagerBinding["executeOp"] | GraphBinding["executeOp"],
  ) {}

  run(name: string, inputs: (Output | number)[], more: Attribute[] = []): Output {
    const hasType = more.some(({ name }) => ["T", "SrcT"].includes(name));
    const type = { name: "T", type: AttributeKind.TYPE, value: DOUBLE };
    const attributes = hasType ? more : [type, ...more];
    const ids = inputs.map((input) => typeof input === "number" ? input : input.id);
    const binding = this.binding as EagerBinding & GraphBinding;
    return this.execute.call(binding, name, attributes, ids, 1)[0]!;
  }

  number(value: number): number {
    return this.binding.createTensor([], DOUBLE, Float32Array.of(value));
  }

  /** The sum or the mean over images, rows and columns. */
  over(name: "Sum" | "Mean", x: Output | number): Output {
    const axes = this.binding.createTensor([3], INT32, Int32Array.of(0, 1, 2));
    return this.run(name, [x, axes], [
      { name: "Tidx", type: AttributeKind.TYPE, value: INT32 },
      { name: "keep_dims", type: AttributeKind.BOOL, value: false },
    ]);
  }

  /** `1 / sqrt(variance + epsilon)` */
  inverse(variance: Output | number, attributes: Attribute[]): Output {
    const epsilon = Number(attributes.find(({ name }) => name === "epsilon")!.value);
    return this.run("Rsqrt", [this.run("AddV2", [variance, this.number(epsilon)])]);
  }
}

function isTraining(attributes: Attribute[]): boolean {
  return attributes.find(({ name }) => name === "is_training")!.value === true;
}

/** Random numbers in float64 would be others than those in float32. */
const draw = (name: string): Whole => (op, attributes, inputs) => {
  const dtype = attributes.find(({ name }) => name === "dtype")!;
  if (dtype.value !== DOUBLE) return [op.run(name, inputs, attributes)];
  const single = { ...dtype, value: FLOAT };
  const drawn = op.run(name, inputs, [...attributes.filter((other) => other !== dtype), single]);
  return [op.run("Cast", [drawn], [
    { name: "SrcT", type: AttributeKind.TYPE, value: FLOAT },
    { name: "DstT", type: AttributeKind.TYPE, value: DOUBLE },
  ])];
};

/** Operations that TensorFlow has in float32 and below alone, made of others, and those that draw. */
const FOR_FLOAT32_ALONE: Record<string, Whole> = {
  StatelessRandomUniform: draw("StatelessRandomUniform"),
  StatelessRandomNormal: draw("StatelessRandomNormal"),
  StatelessTruncatedNormal: draw("StatelessTruncatedNormal"),
  FusedBatchNormV3(op, attributes, [x, gamma, beta, storedMean, storedVariance]) {
    const centred = (mean: Output | number) => op.run("Sub", [x!, mean]);
    const own = () => {
      const mean = op.over("Mean", x!);
      const variance = op.over("Mean", op.run("Square", [centred(mean)]));
      return { mean, variance };
    };
    const copy = (id: number) => op.run("Identity", [id]);
    const training = isTraining(attributes);
    const { mean, variance } = training
      ? own()
      : { mean: copy(storedMean!), variance: copy(storedVariance!) };
    const scale = op.run("Mul", [op.inverse(variance, attributes), gamma!]);
    const y = op.run("AddV2", [op.run("Mul", [centred(mean), scale]), beta!]);
    const count = size(y) / y.shape.at(-1)!;
    const unbiased = op.run("Mul", [variance, op.number(count / Math.max(count - 1, 1))]);
    if (!training) return [y, mean, variance, mean, variance, variance];
    const share = Number(attributes.find(({ name }) => name === "exponential_avg_factor")!.value);
    if (share === 1) return [y, mean, unbiased, mean, variance, variance];
    const moved = (stored: number, next: Output) => {
      const kept = op.run("Mul", [stored, op.number(1 - share)]);
      return op.run("AddV2", [kept, op.run("Mul", [next, op.number(share)])]);
    };
    const [movedMean, movedVariance] = [moved(storedMean!, mean), moved(storedVariance!, unbiased)];
    return [y, movedMean, movedVariance, mean, variance, variance];
  },
  _MklSwish: (op, _attributes, [x]) => [op.run("Mul", [x!, op.run("Sigmoid", [x!])])],
  FusedBatchNormGradV3(op, attributes, [dy, x, gamma, mean, variance]) {
    const inverse = op.inverse(variance!, attributes);
    const normal = op.run("Mul", [op.run("Sub", [x!, mean!]), inverse]);
    const dbeta = op.over("Sum", dy!);
    const dgamma = op.over("Sum", op.run("Mul", [dy!, normal]));
    const scale = op.run("Mul", [inverse, gamma!]);
    if (!isTraining(attributes)) {
      return [op.run("Mul", [dy!, scale]), dgamma, dbeta];
    }
    const share = op.number(normal.shape.at(-1)! / size(normal));
    const throughMean = op.run("Mul", [dbeta, share]);
    const throughVariance = op.run("Mul", [normal, op.run("Mul", [dgamma, share])]);
    const rest = op.run("Sub", [op.run("Sub", [dy!, throughMean]), throughVariance]);
    return [op.run("Mul", [rest, scale]), dgamma, dbeta];
  },
};

function size({ shape }: Output): number {
  return shape.reduce((product, length) => product * length, 1);
}
