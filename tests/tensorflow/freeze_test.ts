import { assert, assertEquals, assertThrows } from "@std/assert";
import { asInput, eager, isConstant, jit, rawOp, tf, TraceError } from "@/tensorflow/mod.ts";
import { assertClose, memory } from "./assert_close.ts";

const variable = (...values: number[]) => tf.tidy(() => tf.variable(tf.tensor1d(values)));

Deno.test("jit() with freeze keeps the values that variables had when it was traced", () => {
  const before = memory();
  const scale = variable(2, 3), shift = tf.tensor1d([10, 20]);
  const run = (x: tf.Tensor) => tf.add(tf.mul(x, tf.square(scale)), shift);
  const frozen = jit(run, { freeze: true }), live = jit(run);
  const x = tf.tensor1d([1, 2]);
  const check = (f: typeof frozen, expected: number[]) => {
    const y = f(x);
    assertClose(y, expected);
    y.dispose();
  };
  check(frozen, [14, 38]);
  check(live, [14, 38]);
  tf.tidy(() => scale.assign(tf.tensor1d([1, 1])));
  check(frozen, [14, 38]);
  check(live, [11, 22]);
  frozen.dispose();
  check(frozen, [11, 22]);
  assertEquals(frozen.traces, 1);
  for (const f of [frozen, live]) f.dispose();
  tf.dispose([x, scale, shift]);
  assertEquals(memory(), before);
});

Deno.test("jit() with freeze computes what depends on constants alone when it is traced", () => {
  const weight = variable(3);
  const executed: string[] = [];
  const { executeOp } = eager;
  const f = jit((x: tf.Tensor) => {
    const square = tf.square(weight);
    assert(isConstant(square) && isConstant(weight) && !isConstant(x));
    assertClose(square, [9]);
    const y = tf.mul(x, square);
    assert(!isConstant(y));
    return y;
  }, { freeze: true });
  eager.executeOp = (name, ...rest) => (executed.push(name), executeOp.call(eager, name, ...rest));
  try {
    assertClose(f(tf.scalar(2)), [18]);
  } finally {
    delete (eager as Partial<typeof eager>).executeOp;
  }
  assertEquals(executed, ["Square"]);
  assert(!isConstant(weight));
  f.dispose();
  weight.dispose();
});

Deno.test("jit() with freeze may return constants, also the same one twice, and leaves nothing behind", () => {
  const before = memory();
  const weight = variable(3);
  const f = jit((x: tf.Tensor) => {
    const same = tf.add(weight, 1);
    return [same, same, tf.add(x, 1), weight];
  }, { freeze: true });
  const x = tf.scalar(1);
  for (let i = 0; i < 2; i++) {
    const results = f(x);
    assertEquals(results.map((y) => [...y.dataSync()]), [[4], [4], [2], [3]]);
    tf.dispose(results);
  }
  f.dispose();
  tf.dispose([x, weight]);
  assertEquals(memory(), before);
});

Deno.test("asInput() keeps a value that freeze would make a constant, and leaves nothing behind", () => {
  const before = memory();
  const weight = variable(3);
  const f = jit((x: tf.Tensor) => {
    const square = asInput(tf.square(weight));
    // What was made of it before is a constant no less.
    assert(isConstant(square));
    return tf.add(tf.mul(asInput(x), square), asInput(weight));
  }, { freeze: true });
  for (const value of [2, 4]) {
    const x = tf.scalar(value), y = f(x);
    assertClose(y, [9 * value + 3]);
    tf.dispose([x, y]);
  }
  tf.tidy(() => weight.assign(tf.tensor1d([1])));
  const x = tf.scalar(2), y = f(x);
  assertClose(y, [21]);
  f.dispose();
  tf.dispose([x, y, weight]);
  assertEquals(memory(), before);
});

Deno.test("jit() with freeze refuses to assign variables", () => {
  const counter = tf.variable(tf.scalar(1), true, "frozen-counter");
  const f = jit((x: tf.Tensor) => {
    counter.assign(tf.add(counter, 1));
    return tf.add(x, counter);
  }, { freeze: true });
  assertThrows(
    () => f(tf.scalar(1)),
    TraceError,
    'assigns variables that are frozen into it: frozen-counter. Trace it without "freeze"',
  );
  assertClose(counter, [1]);
  counter.dispose();
});

Deno.test("rawOp() takes lists of types, eager and traced", () => {
  const run = (x: tf.Tensor, y: tf.Tensor) =>
    rawOp("IdentityN", [x, y], { T: { type: ["float32", "int32"] } }, 2);
  for (const f of [run, jit(run)]) {
    const [x, y] = f(tf.tensor1d([1.5]), tf.tensor1d([2], "int32"));
    assertEquals([x!.dtype, y!.dtype], ["float32", "int32"]);
    assertEquals([[...x!.dataSync()], [...y!.dataSync()]], [[1.5], [2]]);
  }
});

Deno.test("rawOp() takes lists of texts, eager and traced", () => {
  // Of the names that the kernel is given, "BiasAdd" must come first.
  const run = (x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) =>
    rawOp("_FusedConv2D", [x, kernel, bias], {
      T: { type: "float32" },
      TArgs: { type: ["float32"] },
      num_args: { int: 1 },
      num_host_args: { int: 0 },
      strides: { int: [1, 1, 1, 1] },
      padding: { string: "SAME" },
      fused_ops: { string: ["BiasAdd", "Relu"] },
    })[0]!;
  const x = tf.tensor4d([-1, 2], [1, 1, 2, 1]), kernel = tf.tensor4d([3], [1, 1, 1, 1]);
  for (const f of [run, jit(run)]) assertClose(f(x, kernel, tf.tensor1d([1])), [0, 7]);
});
