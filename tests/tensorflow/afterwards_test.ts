import { assertEquals, assertStrictEquals } from "@std/assert";
import { GraphBinding } from "@/tensorflow/graph.ts";
import { afterwards, jit, tf } from "@/tensorflow/mod.ts";

Deno.test("afterwards() gives the same values, eager and traced, of any types", () => {
  tf.tidy(() => {
    const tensors = [
      tf.tensor1d([1.5, -2]),
      tf.tensor1d([3], "int32"),
      tf.tensor1d([1, 0], "bool"),
    ];
    for (const x of tensors) {
      for (const first of tensors) {
        assertStrictEquals(afterwards(x, first), x);
        const traced = jit((x: tf.Tensor, first: tf.Tensor) => afterwards(x, first));
        const y = traced(x, first);
        assertEquals([y.dtype, y.shape, [...y.dataSync()]], [x.dtype, x.shape, [...x.dataSync()]]);
        traced.dispose();
      }
    }
  });
});

Deno.test("afterwards() makes what reads it wait for both, where the same is computed without", () => {
  const { executeOp } = GraphBinding.prototype;
  const inputsOf = new Map<number, number[]>();
  GraphBinding.prototype.executeOp = function (name, attributes, inputs, outputs) {
    const made = executeOp.call(this, name, attributes, inputs, outputs);
    for (const { id } of made) inputsOf.set(id, inputs);
    if (name === "Sqrt") reads.push(inputs[0]!);
    if (name === "Square") first = made[0]!.id;
    return made;
  };
  const reads: number[] = [];
  let first = -1;
  try {
    const traced = jit((x: tf.Tensor) => {
      const roots = tf.sqrt(x);
      return [roots, tf.sqrt(afterwards(x, tf.square(roots)))];
    });
    const [a, b] = traced(tf.tensor1d([4, 9]));
    assertEquals([[...a!.dataSync()], [...b!.dataSync()]], [[2, 3], [2, 3]]);
    tf.dispose([a!, b!]);
    traced.dispose();
  } finally {
    Object.assign(GraphBinding.prototype, { executeOp });
  }
  const [x, waiting] = reads as [number, number];
  assertEquals(inputsOf.get(waiting), [x, first]);
});
