import { assertEquals, assertThrows } from "@std/assert";
import {
  DisposedTensorError,
  eager,
  jit,
  listDevices,
  rawOp,
  tensorflowVersion,
  tf,
} from "@/tensorflow/mod.ts";
import { TensorFlowError } from "@/tensorflow/mod.ts";
import { assertClose, memory } from "./assert_close.ts";

const FLOAT = { T: { type: "float32" } } as const;

Deno.test("tensors of each type go to TensorFlow and come back", () => {
  const tensors = [
    tf.tensor1d([1.5, -0, Infinity, NaN]),
    tf.tensor1d([2 ** 31 - 1, -(2 ** 31), 0], "int32"),
    tf.tensor1d([true, false], "bool"),
    tf.scalar(3.25),
    tf.tensor1d([]),
    tf.zeros([2, 0, 3]),
  ];
  for (const tensor of tensors) {
    const back = rawOp("Identity", [tensor], { T: { type: tensor.dtype } })[0]!;
    assertEquals(back.dataSync(), tensor.dataSync());
    assertEquals([back.shape, back.dtype], [tensor.shape, tensor.dtype]);
  }
});

Deno.test("tensors are made of the part of a buffer that a view shows", () => {
  const view = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
  assertClose(tf.neg(tf.tensor1d(view)), [-1, -2], 0);
  const bytes = Uint8Array.of(9, 0, 1, 9).subarray(1, 3);
  assertClose(tf.logicalNot(tf.tensor1d(bytes, "bool")), [1, 0], 0);
  const traced = jit(() => tf.neg(tf.tensor1d(view)));
  assertClose(traced(), [-1, -2], 0);
  traced.dispose();
});

Deno.test("tensors of strings go to TensorFlow and come back", () => {
  const texts = [
    "",
    "a",
    "größer",
    "胸部X線",
    "a longer one, which does not fit into its slot",
    "a\0b",
  ];
  const tensor = tf.tensor2d(texts, [2, 3], "string");
  const back = rawOp("Identity", [tensor], { T: { type: "string" } })[0]!;
  assertEquals(back.dataSync() as unknown, texts);
  assertEquals(back.shape, [2, 3]);
  const joined = rawOp("StringJoin", [back, back], { N: { int: 2 }, separator: { string: "-" } });
  assertEquals(joined[0]!.dataSync()[2] as unknown, "größer-größer");

  const traced = jit(() => rawOp("StringJoin", [back, tf.scalar("!")], { N: { int: 2 } })[0]!);
  assertEquals(traced().dataSync()[1] as unknown, "a!");
  traced.dispose();
});

Deno.test("EagerBinding keeps 64-bit integers whole", () => {
  const values = BigInt64Array.of(2n ** 62n + 1n, -(2n ** 63n), 0n);
  const id = eager.createTensor([3], eager.TF_INT64, values);
  assertEquals(eager.tensorDataSync(id) as unknown, values);
  const [sum] = eager.executeOp("AddV2", [], [id, id], 1);
  assertEquals([sum!.dtype, sum!.shape], [eager.TF_INT64, [3]]);
  assertEquals((eager.tensorDataSync(sum!.id) as unknown as BigInt64Array)[2], 0n);
  eager.deleteTensor(id);
  eager.deleteTensor(sum!.id);
});

Deno.test("EagerBinding.createTensor() refuses values that do not fit the shape", () => {
  const ill: [number[], number, Float32Array | Int32Array | Uint8Array[], string][] = [
    [[2, 2], eager.TF_FLOAT, new Float32Array(3), "3 values for [2, 2]"],
    [[], eager.TF_FLOAT, new Float32Array(0), "0 values for []"],
    [[0], eager.TF_INT32, new Int32Array(1), "1 values for [0]"],
    [[2], eager.TF_STRING, [new Uint8Array(1)], "1 values for [2]"],
    [[2], eager.TF_STRING, new Float32Array(2), "2 values for [2]"],
    [[1], eager.TF_FLOAT, [new Uint8Array(4)], "1 values for [1]"],
  ];
  const before = memory();
  for (const [shape, dtype, values, says] of ill) {
    assertThrows(() => eager.createTensor(shape, dtype, values), RangeError, says);
  }
  assertThrows(() => eager.createTensor([1], 99, new Float32Array(1)), TypeError, "TF_DataType 99");
  assertEquals(memory(), before);
});

Deno.test("operations on a disposed tensor say so", () => {
  const uses: [string, (disposed: tf.Tensor) => unknown][] = [
    ["tf.neg", (x) => tf.neg(x)],
    ["tf.add", (x) => tf.add(1, x)],
    ["tf.clone", (x) => tf.clone(x)],
    ["tf.reshape", (x) => tf.reshape(x, [2, 1])],
    ["tf.concat", (x) => tf.concat([x, x])],
    ["rawOp", (x) => rawOp("Neg", [x], FLOAT)],
    ["jit, as an argument", (x) => jit((x: tf.Tensor) => tf.neg(x))(x)],
    ["jit, as a captured tensor", (x) => jit(() => tf.neg(x))()],
    ["jit, returned", (x) => jit(() => x)()],
    ["jit, in a rawOp", (x) => jit(() => rawOp("Neg", [x], FLOAT))()],
  ];
  for (const [name, use] of uses) {
    for (const wasUsed of [false, true]) {
      const x = tf.tensor1d([1, 2]);
      if (wasUsed) tf.neg(x).dispose();
      x.dispose();
      const before = memory();
      assertThrows(() => use(x), DisposedTensorError, "Cannot use a tensor as it has been", name);
      assertEquals(memory(), before, name);
    }
  }
  const x = tf.scalar(1);
  x.dispose();
  x.dispose();
  assertThrows(() => x.dataSync(), Error, "Tensor is disposed");
});

Deno.test("EagerBinding refuses the number of a tensor that it does not have", () => {
  const id = eager.createTensor([], eager.TF_FLOAT, new Float32Array(1));
  eager.deleteTensor(id);
  const says = `as the tensor has been disposed: number ${id}`;
  assertThrows(() => eager.tensorDataSync(id), DisposedTensorError, `Cannot read a tensor ${says}`);
  assertThrows(() => eager.deleteTensor(id), DisposedTensorError, says);
  assertThrows(() => eager.executeOp("Neg", [], [id], 1), DisposedTensorError, `run Neg ${says}`);
});

Deno.test("operations on wrong shapes and types say so", () => {
  const square = tf.zeros([2, 2]), row = tf.zeros([1, 3]);
  const picture = tf.zeros([1, 4, 4, 2]) as tf.Tensor4D;
  const kernel = tf.zeros([3, 3, 1, 1]) as tf.Tensor4D;
  const ill: [() => unknown, string][] = [
    [
      () => tf.add(square, tf.zeros([3])),
      "Cannot run Add as TensorFlow says: Incompatible shapes: [2,2] vs",
    ],
    [() => tf.matMul(square as tf.Tensor2D, row as tf.Tensor2D), "Matrix size-incompatible"],
    [() => tf.conv2d(picture, kernel, 1, "same"), "depth of input (2) must match input depth for"],
    [() => tf.conv2d(row as unknown as tf.Tensor4D, kernel, 1, "same"), "input must be rank 4"],
    [() => tf.conv2d(picture, row as unknown as tf.Tensor4D, 1, "same"), "filter must be rank 4"],
    [() => tf.concat([square, row], 0), "Dimension 1 in both shapes must be equal"],
    [() => tf.reshape(square, [3]), "a tensor with 4 values, but the requested shape has 3"],
    [() => rawOp("MatMul", [square, row], FLOAT), "Cannot run MatMul as TensorFlow says: Matrix"],
    [() => rawOp("Neg", [square, row], FLOAT), "the number of its inputs must be 1: 2"],
    [() => rawOp("MatMul", [square], FLOAT), "the number of its inputs must be 2: 1"],
    [() => rawOp("Neg", [tf.scalar("a")], { T: { type: "string" } }), "Cannot run Neg"],
    [() => rawOp("NoSuchOp", [], {}), "'NoSuchOp' is neither a type of a primitive operation"],
  ];
  const before = tf.memory().numTensors;
  for (const [run, says] of ill) {
    const error = assertThrows(() => tf.tidy(() => void run()), Error, says);
    if (says.startsWith("Cannot run")) assertEquals(error.constructor, TensorFlowError);
    assertEquals(error.message.split("\n").length, 1, error.message);
  }
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("rawOp() passes attributes of every kind", () => {
  const image = tf.range(0, 16).reshape([1, 4, 4, 1]);
  const [pooled] = rawOp("AvgPool", [image], {
    ...FLOAT,
    ksize: { int: [1, 2, 2, 1] },
    strides: { int: [1, 2, 2, 1] },
    padding: { string: "VALID" },
    data_format: { string: "NHWC" },
  });
  assertClose(pooled!, [2.5, 4.5, 10.5, 12.5]);
  const [leaky] = rawOp("LeakyRelu", [tf.scalar(-4)], { ...FLOAT, alpha: { float: 0.25 } });
  assertClose(leaky!, [-1]);
  const [sum] = rawOp("Sum", [tf.ones([2, 3]), tf.tensor1d([1], "int32")], {
    ...FLOAT,
    Tidx: { type: "int32" },
    keep_dims: { bool: true },
  });
  assertEquals(sum!.shape, [2, 1]);
  const [shaped] = rawOp("EnsureShape", [tf.ones([2, 3])], { ...FLOAT, shape: { shape: [2, 3] } });
  assertEquals(shaped!.shape, [2, 3]);
  const wrong = { ...FLOAT, shape: { shape: [3, 2] } };
  assertThrows(() => rawOp("EnsureShape", [tf.ones([2, 3])], wrong), TensorFlowError, "[3,2]");
  assertEquals(rawOp("TopKV2", [tf.tensor1d([1, 3]), tf.scalar(1, "int32")], FLOAT, 2).length, 2);
});

Deno.test("eager operations leak nothing in 200 steps", () => {
  const x = tf.tensor2d([[1, 2], [3, 4]]);
  tf.tidy(() => void tf.matMul(x, x));
  const before = memory();
  for (let i = 0; i < 200; i++) {
    tf.tidy(() => {
      const y = tf.softmax(tf.matMul(x, tf.tensor2d([[i, 1], [0, 1]])));
      tf.concat([y, tf.grad((x) => tf.sum(tf.square(x)))(x)]).dataSync();
    });
  }
  assertEquals(memory(), before);
  x.dispose();
});

Deno.test("listDevices() names the CPU, tensorflowVersion a version", () => {
  const [first] = listDevices();
  assertEquals(first?.type, "CPU");
  assertEquals(first?.name, "/job:localhost/replica:0/task:0/device:CPU:0");
  assertEquals(/^2\.\d+\.\d+/.test(tensorflowVersion), true, tensorflowVersion);
  assertEquals(tf.getBackend(), "tensorflow");
});
