import { assertEquals, assertThrows } from "@std/assert";
import { jit, rawOp, ResourceVariable, tf } from "@/tensorflow/mod.ts";
import { assertClose, memory } from "./assert_close.ts";

const FLOAT = { type: "float32" } as const;

function newVariable(values: number[]): ResourceVariable {
  const start = tf.tensor1d(values);
  const variable = new ResourceVariable(start);
  start.dispose();
  return variable;
}

/** Adds in place; nothing comes of the operation. */
function add(variable: ResourceVariable, value: tf.Tensor): void {
  rawOp("AssignAddVariableOp", [variable.handle, value], { dtype: FLOAT }, 0);
}

Deno.test("a ResourceVariable is read, changed in place and assigned, and leaves no memory", () => {
  const before = memory();
  const variable = newVariable([1, 2]);
  tf.tidy(() => {
    const old = variable.read();
    add(variable, tf.tensor1d([10, 20]));
    assertClose(variable.read(), [11, 22], 0);
    assertClose(old, [1, 2], 0);
    variable.assign(tf.tensor1d([5, 6]));
    assertEquals([...variable.dataSync()], [5, 6]);
  });
  variable.dispose();
  assertEquals(memory(), before);
});

Deno.test("a ResourceVariable keeps what it was given when the given tensor is disposed", () => {
  const variable = newVariable([1, 2]);
  const given = tf.variable(tf.tensor1d([3, 4]));
  variable.assign(given);
  tf.tidy(() => add(variable, tf.tensor1d([1, 1])));
  assertEquals([...given.dataSync()], [3, 4]);
  given.dispose();
  assertEquals([...variable.dataSync()], [4, 5]);
  variable.dispose();
});

Deno.test("a traced function reads and changes a ResourceVariable in the order it was written", () => {
  const variable = newVariable([1, 1]);
  const traced = jit((x: tf.Tensor) => {
    const first = variable.read();
    add(variable, x);
    const second = variable.read();
    variable.assign(tf.mul(second, 10));
    add(variable, x);
    return { first, second, third: variable.read() };
  });
  tf.tidy(() => {
    for (const [first, second, third] of [[1, 3, 32], [32, 34, 342]]) {
      const results = traced(tf.tensor1d([2, 2]));
      assertEquals(results.first.shape, [2]);
      assertClose(results.first, [first!, first!], 0);
      assertClose(results.second, [second!, second!], 0);
      assertClose(results.third, [third!, third!], 0);
    }
  });
  assertEquals(traced.traces, 1);
  traced.dispose();
  variable.dispose();
});

Deno.test("a traced function changes a ResourceVariable that it does not read", () => {
  const variable = newVariable([1, 1]);
  const traced = jit((x: tf.Tensor) => {
    add(variable, x);
    return tf.neg(x);
  });
  tf.tidy(() => assertClose(traced(tf.tensor1d([2, 3])), [-2, -3], 0));
  assertEquals([...variable.dataSync()], [3, 4]);
  traced.dispose();
  variable.dispose();
});

Deno.test("a ResourceVariable refuses another shape, and operations after its disposal", () => {
  const variable = newVariable([1, 2]);
  const [three, two] = [tf.zeros([3]), tf.ones([2])];
  assertThrows(() => variable.assign(three), Error, "Cannot assign to a resource variable");
  const traced = jit((x: tf.Tensor) => tf.add(variable.read(), x));
  tf.tidy(() => assertClose(traced(two), [2, 3], 0));
  variable.dispose();
  assertThrows(() => traced(two), Error, "resource");
  traced.dispose();
  tf.dispose([three, two]);
});
