import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { DisposedTensorError, isTracing, jit, rawOp, tf, TraceError } from "@/tensorflow/mod.ts";
import { TensorFlowError } from "@/tensorflow/mod.ts";
import { assertClose, memory } from "./assert_close.ts";

type ErrorClass = ErrorConstructor | typeof TraceError | typeof TensorFlowError;

const FLOAT = { T: { type: "float32" } } as const;

/** What may not be part of a traced function, with the error it gives. */
const UNTRACEABLE: {
  name: string;
  run(x: tf.Tensor, v: tf.Variable): unknown;
  error: ErrorClass;
  says: string[];
}[] = [
  {
    name: "reading a tensor",
    run: (x) => tf.scalar(tf.neg(x).dataSync()[0]!),
    error: TraceError,
    says: ["Cannot read the values of a tensor inside a traced function", "an output of Neg"],
  },
  {
    name: "reading an argument",
    run: (x) => x.arraySync(),
    error: TraceError,
    says: ["Cannot read the values", "tf.where"],
  },
  {
    name: "reading a variable",
    run: (_, v) => v.dataSync(),
    error: TraceError,
    says: ["Cannot read the values"],
  },
  {
    name: "making a variable",
    run: (x) => tf.variable(tf.neg(x), true, "made-inside"),
    error: TraceError,
    says: ["it makes variables: made-inside", "Make them before"],
  },
  {
    name: "making a variable, then failing",
    run: (x) => {
      tf.variable(tf.neg(x));
      throw new RangeError("Cannot go on");
    },
    error: RangeError,
    says: ["Cannot go on"],
  },
  {
    name: "an optimizer without its slots",
    run: (x, v) => {
      const loss = () => tf.sum(tf.mul(x, v)) as tf.Scalar;
      return tf.train.adam(0.1).minimize(loss, true, [v])!;
    },
    error: TraceError,
    says: ["it makes variables", "apply zero gradients once"],
  },
  {
    name: "an operation on a tensor without a static shape",
    run: (x) => tf.neg(tf.unique(x).values),
    error: TraceError,
    says: ["Cannot trace Neg", "an output of UniqueV2, has no static shape"],
  },
  {
    name: "an unknown operation",
    run: (x) => rawOp("NoSuchOp", [x], {})[0]!,
    error: TraceError,
    says: ["Cannot trace NoSuchOp as this TensorFlow has no such operation"],
  },
  {
    name: "an asynchronous function",
    run: (x) => Promise.resolve(tf.neg(x)),
    error: TraceError,
    says: ["it is asynchronous"],
  },
  {
    name: "a result that is a number",
    run: () => 3,
    error: TraceError,
    says: ["it returns something other than tensors", "[object Number]"],
  },
  {
    name: "a result with a typed array in it",
    run: (x) => ({ x, values: new Float32Array(2) }),
    error: TraceError,
    says: ["it returns something other than tensors"],
  },
  {
    name: "a result with null in it",
    run: (x) => [x, null],
    error: TraceError,
    says: ["it returns something other than tensors"],
  },
  {
    name: "shapes that do not fit, found by TensorFlow",
    run: (x) => rawOp("MatMul", [x, x], FLOAT)[0]!,
    error: TensorFlowError,
    says: ["Cannot trace MatMul as TensorFlow says: Shape must be rank 2 but is rank 1"],
  },
  {
    name: "shapes that do not fit, found by TensorFlow.js",
    run: (x) => tf.conv2d(x as unknown as tf.Tensor4D, tf.zeros([3, 3, 1, 1]), 1, "same"),
    error: Error,
    says: ["Error in conv2d: input must be rank 4, but got rank 1"],
  },
  {
    name: "too few inputs",
    run: () => rawOp("Neg", [], FLOAT)[0]!,
    error: TraceError,
    says: ["Cannot trace Neg as the number of its inputs is wrong: 0"],
  },
  {
    name: "too many inputs",
    run: (x) => rawOp("Neg", [x, x], FLOAT)[0]!,
    error: TraceError,
    says: ["Cannot trace Neg as the number of its inputs is wrong: 2"],
  },
  {
    name: "too many outputs",
    run: (x) => rawOp("Neg", [x], FLOAT, 2),
    error: TraceError,
    says: ["Cannot trace Neg as the number of its outputs is 1: 2 were asked for"],
  },
  {
    name: "a disposed tensor from outside",
    run: (x) => {
      const outside = tf.scalar(1);
      outside.dispose();
      return tf.mul(x, outside);
    },
    error: DisposedTensorError,
    says: ["Cannot use a tensor as it has been disposed", "tf.keep()"],
  },
  {
    name: "an error of the function itself, after it assigned a variable",
    run: (x, v) => {
      v.assign(tf.mul(v, tf.sum(x)));
      throw new SyntaxError("Cannot parse this");
    },
    error: SyntaxError,
    says: ["Cannot parse this"],
  },
];

Deno.test("jit() refuses what cannot be traced, and leaves everything as it was", async (t) => {
  const v = tf.tidy(() => tf.variable(tf.scalar(7)));
  const x = tf.tensor1d([1, 2]);
  tf.dispose([tf.neg(v), tf.neg(x)]);
  // The first scope of all makes TensorFlow.js keep a few values of its own.
  const good = jit((x: tf.Tensor) => tf.mul(x, v));
  tf.dispose(good(x));
  const before = memory();
  const variables = Object.keys(tf.engine().registeredVariables);
  for (const { name, run, error, says } of UNTRACEABLE) {
    await t.step(name, () => {
      const optimizerSlots = memory();
      const bad = jit((x: tf.Tensor) => run(x, v), { name: "bad" });
      for (const attempt of [1, 2]) {
        const thrown = assertThrows(() => bad(x));
        assertInstanceOf(thrown, error, `${thrown.name}: ${thrown.message}`);
        for (const part of says) assertStringIncludes(thrown.message, part);
        assertEquals([bad.traces, isTracing(), attempt], [0, false, attempt]);
      }
      assertEquals(memory(), optimizerSlots);
      assertEquals(Object.keys(tf.engine().registeredVariables), variables);
      assertClose(v, [7]);
      const again = jit((x: tf.Tensor) => tf.mul(x, v));
      tf.tidy(() => assertClose(again(x), [7, 14]));
      again.dispose();
    });
  }
  assertEquals(memory(), before);
  good.dispose();
  tf.dispose([v, x]);
});

Deno.test("jit() refuses arguments that are neither tensors nor plain data", () => {
  const f = jit((..._: unknown[]) => tf.scalar(1));
  const ill: [unknown, string][] = [
    [() => 1, "[object Function]"],
    [new Float32Array(2), "[object Float32Array]"],
    [new Map(), "[object Map]"],
    [new Date(0), "[object Date]"],
    [Symbol("s"), "[object Symbol]"],
    [10n, "[object BigInt]"],
  ];
  for (const [argument, kind] of ill) {
    for (const place of [argument, [argument], { key: argument }]) {
      assertThrows(() => f(place), TypeError, `neither a tensor, nor plain data: ${kind}`);
    }
  }
  assertEquals(f.traces, 0);
});

Deno.test("jit() results that the function kept for itself cannot be used outside", () => {
  const leaked: tf.Tensor[] = [];
  const f = jit((x: tf.Tensor) => {
    leaked.push(tf.keep(tf.neg(x)), tf.neg(x));
    return tf.clone(x);
  });
  f(tf.scalar(1));
  const [kept, dropped] = leaked as [tf.Tensor, tf.Tensor];
  const says = "the tensor was made inside a traced function and exists only there";
  assertThrows(() => tf.neg(kept), TraceError, `Cannot run Neg as ${says}`);
  assertThrows(() => kept.dataSync(), TraceError, `Cannot read a tensor as ${says}`);
  assertThrows(() => jit(() => tf.neg(kept))(), TraceError, "a tensor of another traced function");
  assertThrows(
    () => tf.neg(dropped),
    DisposedTensorError,
    "Return it from the tf.tidy() or traced",
  );
  assertThrows(() => dropped.dataSync(), Error, "Tensor is disposed");
  kept.dispose();
  f.dispose();
});

Deno.test("jit() functions refuse disposed arguments and variables", () => {
  const v = tf.variable(tf.scalar(1));
  const f = jit((x: tf.Tensor) => tf.mul(x, v), { name: "product" });
  const x = tf.scalar(2);
  f(x).dispose();
  x.dispose();
  assertThrows(() => f(x), DisposedTensorError, "an argument has been disposed");
  v.dispose();
  const says = `its variable ${v.name} has been disposed`;
  assertThrows(() => f(tf.scalar(2)), DisposedTensorError, says);
  f.dispose();
});

Deno.test("jit() functions report what goes wrong while they run", () => {
  const v = tf.variable(tf.scalar(1));
  const f = jit((x: tf.Tensor) => {
    v.assign(tf.add(v, 1) as tf.Scalar);
    return rawOp("CheckNumerics", [x], { ...FLOAT, message: { string: "found one" } })[0]!;
  }, { name: "check" });
  f(tf.scalar(1)).dispose();
  const before = memory();
  tf.tidy(() => {
    const error = assertThrows(() => f(tf.scalar(NaN)), TensorFlowError, "Cannot run check_");
    assertStringIncludes(error.message, "found one");
    assertEquals(error.code, 3);
  });
  assertEquals(memory(), before);
  assertClose(v, [2], 0, "a failed step assigns nothing");
  assertClose(f(tf.scalar(1)), [1]);
  f.dispose();
  v.dispose();
});
