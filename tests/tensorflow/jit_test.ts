import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { GraphBinding } from "@/tensorflow/graph.ts";
import { eager, isTracing, jit, rawOp, tf } from "@/tensorflow/mod.ts";
import { assertClose, memory, wave } from "./assert_close.ts";

Deno.test("jit() runs a function of tensors and gives its result", () => {
  const norm = jit((x: tf.Tensor) => tf.sqrt(tf.sum(tf.square(x))));
  assertClose(norm(tf.tensor1d([3, 4])), [5]);
  norm.dispose();
});

Deno.test("jit() traces once for each signature of tensors", () => {
  let runs = 0;
  const double = jit((x: tf.Tensor) => {
    runs++;
    assert(isTracing());
    return tf.add(x, x);
  });
  assertEquals(double.traces, 0);
  const calls: [tf.Tensor, traces: number][] = [
    [tf.tensor1d([1, 2]), 1],
    [tf.tensor1d([3, 4]), 1],
    [tf.tensor1d([3, 4, 5]), 2],
    [tf.tensor2d([[3, 4]]), 3],
    [tf.tensor1d([3, 4], "int32"), 4],
    [tf.tensor1d([1, 2]), 4],
  ];
  for (const [x, traces] of calls) {
    const y = double(x);
    assertClose(y, x.dataSync().map((value) => 2 * value));
    assertEquals([y.shape, y.dtype], [x.shape, x.dtype]);
    assertEquals([double.traces, runs], [traces, traces]);
  }
  double.dispose();
  assertEquals(double.traces, 0);
  assertClose(double(tf.scalar(4)), [8], 0, "after dispose()");
  double.dispose();
  assert(!isTracing());
});

Deno.test("jit() takes arguments that are no tensors for constants", () => {
  const scale = jit((x: tf.Tensor, how: { by: number; shift?: number | null }, names: string[]) =>
    tf.add(tf.mul(x, how.by), (how.shift ?? 0) + names.length)
  );
  const x = tf.scalar(2);
  assertClose(scale(x, { by: 3 }, []), [6]);
  assertClose(scale(x, { by: 4 }, []), [8]);
  assertClose(scale(x, { by: 4, shift: 1 }, []), [9]);
  assertClose(scale(x, { by: 4, shift: null }, ["a"]), [9]);
  assertEquals(scale.traces, 4);
  assertClose(scale(tf.scalar(3), { by: 4 }, []), [12]);
  assertEquals(scale.traces, 4);
  scale.dispose();
});

Deno.test("jit() keeps signatures apart that only look the same", () => {
  const length = jit((...parts: unknown[]) => tf.scalar(JSON.stringify(parts).length));
  const different: unknown[][] = [
    ["a,b"],
    ["a", "b"],
    ['a","b'],
    [["a"], "b"],
    [1],
    ["number:1"],
    [true],
    [null],
    [undefined],
    ["float32[]"],
    [tf.scalar(1)],
    [{ a: 1 }],
    [{ b: 1 }],
    [0],
    [-0],
    [[], []],
  ];
  for (const args of different) length(...args);
  assertEquals(length.traces, different.length);
  length({ a: 1, b: 2 });
  length({ b: 2, a: 1 });
  assertEquals(length.traces, different.length + 1, "the order of keys does not matter");
  length.dispose();
});

Deno.test("jit() warns when a function is traced again and again", () => {
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (text: string) => warnings.push(text);
  try {
    const add = jit((x: tf.Tensor, rate: number) => tf.add(x, rate), { name: "step" });
    for (let i = 0; i < 25; i++) add(tf.scalar(1), i);
    add.dispose();
  } finally {
    console.warn = warn;
  }
  assertEquals(warnings.length, 1);
  assert(warnings[0]!.includes("step has been traced 20 times"), warnings[0]);
});

Deno.test("jit() gives results of every structure", () => {
  const x = tf.tensor1d([1, 2]);
  const outside = tf.tensor1d([7]);
  const variable = tf.variable(tf.tensor1d([9]));
  const all = jit((x: tf.Tensor, unread: tf.Tensor) => {
    const sum = tf.sum(x);
    return {
      twice: [sum, sum],
      input: x,
      unread,
      nested: { outside, deeper: [tf.neg(x), { constant: tf.scalar(5) }] as const },
      variable: variable as tf.Tensor,
      nothing: undefined,
    };
  });
  for (let i = 0; i < 2; i++) {
    const { twice: [first, second], input, unread, nested, variable: read, nothing } = all(
      x,
      tf.scalar(3),
    );
    assertClose(first!, [3]);
    assertClose(second!, [3]);
    assertClose(input, [1, 2]);
    assertClose(unread, [3]);
    assertClose(nested.outside, [7]);
    assertClose(nested.deeper[0], [-1, -2]);
    assertClose(nested.deeper[1].constant, [5]);
    assertClose(read, [9]);
    assertEquals(nothing, undefined);
    assertEquals(new Set([first, second, input, x, nested.outside, outside]).size, 6);
    first!.dispose();
    input.dispose();
    nested.outside.dispose();
    read.dispose();
    assertClose(second!, [3], 0, "its twin was disposed");
    assertClose(x, [1, 2], 0, "the argument is the caller's");
    assertClose(outside, [7], 0, "what was captured is the caller's");
    assertClose(variable, [9], 0, "the variable stays");
  }
  all.dispose();
  variable.dispose();
});

Deno.test("jit() of a function without tensors in or out", () => {
  assertEquals(jit(() => undefined)(), undefined);
  assertEquals(jit(() => [])(), []);
  const ignores = jit((_: tf.Tensor) => tf.scalar(1));
  const disposed = tf.scalar(0);
  assertClose(ignores(disposed), [1]);
});

Deno.test("jit() keeps captured tensors beyond their disposal", () => {
  const small = tf.tensor1d([1, 2]);
  const large = tf.range(0, 20_000);
  const fresh = tf.tensor1d([10, 20]);
  small.dataSync();
  tf.neg(small).dispose();
  tf.neg(large).dispose();
  const add = jit((x: tf.Tensor) =>
    tf.add(tf.add(tf.add(x, small), fresh), tf.slice(large, [19_998], [2]))
  );
  assertClose(add(tf.tensor1d([0, 0])), [20_009, 20_021], 0);
  tf.dispose([small, large, fresh]);
  assertClose(add(tf.tensor1d([1, 1])), [20_010, 20_022], 0);
  add.dispose();
});

Deno.test("jit() may dispose of a captured tensor while tracing", () => {
  const before = memory();
  const captured = tf.tensor1d([3]);
  tf.neg(captured).dispose();
  const square = jit((x: tf.Tensor) => {
    const y = tf.mul(x, captured);
    captured.dispose();
    return y;
  });
  tf.tidy(() => assertClose(square(tf.tensor1d([2])), [6]));
  assertEquals(memory(), before);
  tf.tidy(() => assertClose(square(tf.tensor1d([4])), [12]));
  square.dispose();
});

Deno.test("jit() makes large values of its own an input", () => {
  const count = 100_000;
  const values = Float32Array.from({ length: count }, (_, i) => i % 7);
  const before = memory();
  const sum = jit((x: tf.Tensor) => tf.add(x, tf.sum(tf.tensor1d(values))));
  const expected = values.reduce((a, b) => a + b);
  for (let i = 0; i < 2; i++) tf.tidy(() => assertClose(sum(tf.scalar(1)), [expected + 1], 0.1));
  sum.dispose();
  assertEquals(memory(), before);
});

Deno.test("jit() reads and assigns variables", () => {
  const counter = tf.variable(tf.scalar(0));
  const untouched = tf.variable(tf.scalar(5));
  const step = jit((by: tf.Tensor) => {
    const before = tf.clone(counter);
    counter.assign(tf.add(counter, by) as tf.Scalar);
    counter.assign(tf.mul(counter, 2) as tf.Scalar);
    return { before, after: counter as tf.Tensor, untouched: tf.neg(untouched) };
  });
  const results = [1, 10].map((by) => step(tf.scalar(by)));
  assertEquals(results.map(({ before }) => before.dataSync()[0]), [0, 2]);
  assertEquals(results.map(({ after }) => after.dataSync()[0]), [2, 24]);
  assertClose(counter, [24]);
  counter.assign(tf.scalar(100));
  untouched.assign(tf.scalar(6));
  const { after, untouched: negated } = step(tf.scalar(0));
  assertClose(after, [200], 0, "it reads what was assigned outside");
  assertClose(negated, [-6]);
  assertClose(counter, [200]);
  assertEquals(step.traces, 1);
  step.dispose();
  tf.dispose([counter, untouched]);
});

Deno.test("jit() assigns one variable to another", () => {
  const a = tf.variable(tf.scalar(1)), b = tf.variable(tf.scalar(2));
  const swap = jit(() => {
    const old = tf.clone(a);
    a.assign(b as tf.Tensor as tf.Scalar);
    b.assign(old);
  });
  swap();
  assertEquals([a.dataSync()[0], b.dataSync()[0]], [2, 1]);
  swap();
  assertEquals([a.dataSync()[0], b.dataSync()[0]], [1, 2]);
  b.assign(tf.scalar(7));
  assertEquals([a.dataSync()[0], b.dataSync()[0]], [1, 7], "they share nothing");
  swap.dispose();
  tf.dispose([a, b]);
});

Deno.test("jit() takes gradients of variables and arguments", () => {
  const w = tf.variable(tf.tensor1d([2, 3]));
  const loss = (x: tf.Tensor) => tf.sum(tf.mul(tf.square(w), x)) as tf.Scalar;
  const step = jit((x: tf.Tensor) => {
    const { value, grads } = tf.variableGrads(() => loss(x), [w]);
    return { value, dw: grads[w.name]!, dx: tf.grad(loss)(x) };
  });
  const { value, dw, dx } = step(tf.tensor1d([10, 100]));
  assertClose(value, [940]);
  assertClose(dw, [40, 600]);
  assertClose(dx, [4, 9]);
  step.dispose();
  w.dispose();
});

Deno.test("jit() within tf.grads() runs as the plain function, and is differentiated", () => {
  const w = tf.variable(tf.scalar(3));
  const square = jit((x: tf.Tensor) => tf.square(x));
  assertClose(tf.grad((x) => square(x))(tf.scalar(3)), [6]);
  const { grads } = tf.variableGrads(() => tf.add(square(w), w) as tf.Scalar, [w]);
  assertClose(grads[w.name]!, [7]);
  w.dispose();
});

Deno.test("jit() within another one becomes a part of it", () => {
  const w = tf.variable(tf.scalar(1));
  const inner = jit((x: tf.Tensor) => {
    w.assign(tf.add(w, 1) as tf.Scalar);
    return tf.mul(x, w);
  });
  const outer = jit((x: tf.Tensor) => tf.add(inner(x), inner(x)));
  assertClose(outer(tf.scalar(10)), [10 * 2 + 10 * 3]);
  assertClose(w, [3]);
  assertEquals([outer.traces, inner.traces], [1, 0]);
  outer.dispose();
  w.dispose();
});

/** Gradients in the form that an optimizer's declaration asks for. */
function named(gradients: Record<string, tf.Tensor>) {
  return Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
}

/** Weights for a little regression, with the optimizer whose slots exist. */
function regression() {
  const w = tf.variable(tf.tensor2d([[1], [-2], [3]]));
  const b = tf.variable(tf.tensor1d([0.5]));
  const optimizer = tf.train.adam(0.05);
  tf.tidy(() =>
    optimizer.applyGradients(named({ [w.name]: tf.zerosLike(w), [b.name]: tf.zerosLike(b) }))
  );
  const step = (x: tf.Tensor2D, y: tf.Tensor2D) => {
    const { value, grads } = tf.variableGrads(() => {
      const predicted = tf.add(tf.matMul(x, w as unknown as tf.Tensor2D), b);
      return tf.mean(tf.square(tf.sub(tf.sigmoid(predicted), y)));
    }, [w, b]);
    optimizer.applyGradients(named(grads));
    tf.dispose(grads);
    return value;
  };
  const dispose = () => {
    optimizer.dispose();
    tf.dispose([w, b]);
  };
  return { w, b, step, dispose };
}

Deno.test("jit() of an Adam step equals the eager step after many steps", () => {
  const eagerly = regression(), traced = regression();
  const step = jit(traced.step);
  const losses: number[] = [];
  for (let i = 0; i < 30; i++) {
    const [x, y] = [wave<tf.Tensor2D>([4, 3], 0.7, i), wave<tf.Tensor2D>([4, 1], 0.3, i)];
    const loss = eagerly.step(x, y).dataSync()[0]!;
    losses.push(loss);
    assertClose(step(x, y), [loss], 1e-6, `loss of step ${i}`);
  }
  assertClose(traced.w, eagerly.w, 1e-5);
  assertClose(traced.b, eagerly.b, 1e-5);
  assertNotEquals(Array.from(traced.b.dataSync()), [0.5], "the steps change the weights");
  assertEquals(step.traces, 1);
  step.dispose();
  eagerly.dispose();
  traced.dispose();
});

Deno.test("jit() leaks nothing in 200 steps, nor does an eager step", () => {
  const { step, dispose } = regression();
  const jitted = jit(step);
  const x = wave<tf.Tensor2D>([4, 3], 0.7, 0), y = wave<tf.Tensor2D>([4, 1], 0.3, 0);
  for (const [name, run] of [["traced", jitted], ["eager", step]] as const) {
    run(x, y).dispose();
    const before = memory();
    for (let i = 0; i < 200; i++) run(x, y).dispose();
    assertEquals(memory(), before, name);
  }
  jitted.dispose();
  dispose();
  tf.dispose([x, y]);
});

Deno.test("jit() frees all that a trace and its function held", () => {
  const captured = tf.range(0, 30_000);
  const v = tf.tidy(() => tf.variable(tf.scalar(1)));
  const x = tf.scalar(2);
  tf.dispose([tf.neg(captured), tf.neg(v), tf.neg(x)]);
  const before = memory();
  const f = jit((x: tf.Tensor) => {
    tf.tidy(() => v.assign(tf.add(v, tf.mul(x, tf.scalar(3))) as tf.Scalar));
    return [tf.keep(tf.sum(captured)), x, tf.scalar(4)];
  });
  for (let i = 0; i < 20; i++) {
    tf.dispose(f(x));
    f.dispose();
    assertEquals(memory(), before, `trace ${i}`);
  }
  assertClose(v, [1 + 20 * 6]);
  tf.dispose([captured, v, x]);
});

Deno.test("jit() gives lists to the operations that take lists", () => {
  const T = { T: { type: "float32" } } as const;
  const f = jit((a: tf.Tensor, b: tf.Tensor, c: tf.Tensor) => [
    rawOp("AddN", [a, b, c], { ...T, N: { int: 3 } })[0]!,
    rawOp("Pack", [a, b], { ...T, N: { int: 2 }, axis: { int: 0 } })[0]!,
    rawOp("ConcatV2", [a, b, c, tf.scalar(0, "int32")], { ...T, N: { int: 3 } })[0]!,
    ...rawOp("IdentityN", [a, b], {}, 2),
    rawOp("AddN", [a], { ...T, N: { int: 1 } })[0]!,
  ]);
  const [sum, packed, joined, first, second, alone] = f(
    tf.tensor1d([1]),
    tf.tensor1d([2]),
    tf.tensor1d([4]),
  );
  assertClose(sum!, [7]);
  assertEquals(packed!.shape, [2, 1]);
  assertClose(packed!, [1, 2]);
  assertClose(joined!, [1, 2, 4]);
  assertClose(first!, [1]);
  assertClose(second!, [2]);
  assertClose(alone!, [1]);
  f.dispose();
});

Deno.test("jit() runs operations with two lists", () => {
  const split = jit((x: tf.Tensor) =>
    rawOp("DynamicStitch", [
      tf.tensor1d([0, 2], "int32"),
      tf.tensor1d([1], "int32"),
      x,
      tf.tensor1d([20]),
    ], { N: { int: 2 }, T: { type: "float32" } })[0]!
  );
  assertClose(split(tf.tensor1d([10, 30])), [10, 20, 30]);
  split.dispose();
});

Deno.test("jit() writes equal constants down once, and no Cast or Reshape that changes nothing", () => {
  const { toFunction } = GraphBinding.prototype;
  let size = 0;
  GraphBinding.prototype.toFunction = function (name, inputs, outputs) {
    toFunction.call(this, name, inputs, outputs);
    size = this.size;
  };
  try {
    const traced = jit((x: tf.Tensor) => {
      const same = tf.reshape(tf.cast(x, "float32"), [2, 1]);
      return tf.add(tf.mul(same, 3), tf.scalar(3));
    });
    const y = traced(tf.tensor2d([1, 2], [2, 1]));
    assertEquals([...y.dataSync()], [6, 9]);
    assertEquals(size, ["x", "3", "Mul", "Add"].length);
    y.dispose();
    traced.dispose();
  } finally {
    Object.assign(GraphBinding.prototype, { toFunction });
  }
});

Deno.test("jit() keeps constants apart that only look the same", () => {
  const traced = jit((x: tf.Tensor) => {
    const divided = [0, -0].map((zero) => tf.div(x, tf.scalar(zero)));
    const shapes = [tf.tensor1d([7]), tf.tensor2d([7], [1, 1]), tf.scalar(7)];
    return [...divided, ...shapes.map((t) => tf.add(t, x)), tf.cast(tf.scalar(7, "int32"), "bool")];
  });
  const found = traced(tf.scalar(1));
  assertEquals(found.map((t) => t.dataSync()[0]), [Infinity, -Infinity, 8, 8, 8, 1]);
  assertEquals(found.map(({ shape }) => shape), [[], [], [1], [1, 1], [], []]);
  tf.dispose(found);
  traced.dispose();
});

Deno.test("jit() compiles with XLA", () => {
  const w = tf.variable(tf.scalar(2));
  const step = jit((x: tf.Tensor) => {
    w.assign(tf.add(w, 1) as tf.Scalar);
    return tf.add(tf.mul(x, w), tf.sigmoid(x));
  }, { xla: true });
  assertClose(step(tf.tensor1d([0, 1])), [0.5, 3 + 1 / (1 + Math.exp(-1))]);
  assertClose(w, [3]);
  step.dispose();
  w.dispose();
});

Deno.test("jit() makes a name of TensorFlow's from any name", () => {
  for (const name of ["", "_private", "9", "größe", "a b/c"]) {
    const f = jit((x: tf.Tensor) => tf.neg(x), { name });
    tf.tidy(() => assertClose(f(tf.scalar(1)), [-1], 0, name));
    f.dispose();
  }
});

Deno.test("jit() runs within tf.tidy(), which frees what it gave", () => {
  const f = jit((x: tf.Tensor) => tf.neg(x));
  const x = tf.scalar(1);
  f(x).dispose();
  const before = memory();
  tf.tidy(() => {
    f(x);
  });
  assertEquals(memory(), before);
  f.dispose();
  x.dispose();
  assertThrows(() => f(x), Error, "disposed");
  assert(eager.getNumOfTensors() < before.handles);
});
