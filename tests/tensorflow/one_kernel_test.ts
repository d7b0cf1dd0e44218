import { assertEquals, assertThrows } from "@std/assert";
import { GraphBinding } from "@/tensorflow/graph.ts";
import {
  hasOneDnn,
  jit,
  kernelsCompiled,
  oneKernel,
  rawOp,
  tf,
  TraceError,
} from "@/tensorflow/mod.ts";
import { assertClose } from "./assert_close.ts";

/** How often a compiled function is called in a trace of `run`. */
function calls(run: () => void): string[] {
  const { callCompiled } = GraphBinding.prototype;
  const names: string[] = [];
  GraphBinding.prototype.callCompiled = function (name, inputs, outputs) {
    names.push(name);
    return callCompiled.call(this, name, inputs, outputs);
  };
  try {
    run();
  } finally {
    GraphBinding.prototype.callCompiled = callCompiled;
  }
  return names;
}

/** `x y` where `kept`, and its square root in two halves: several outputs, a constant, no float. */
function parts(x: tf.Tensor, y: tf.Tensor, kept: tf.Tensor): tf.Tensor[] {
  return oneKernel("parts", [x, y, kept], (x, y, kept) => {
    const product = tf.mul(tf.mul(x!, y!), tf.cast(kept!, "float32"));
    return [product, ...tf.split(tf.sqrt(tf.add(product, 1)), 2, -1)];
  });
}

const X = [[0.5, 1, 2, 3], [4, 5, 6, 7]];

Deno.test("oneKernel() gives what its function gives, eager and traced", async () => {
  tf.tidy(() => {
    const x = tf.tensor2d(X), y = tf.tensor2d([[2, 2, 2, 2], [3, 3, 3, 3]]);
    const kept = tf.tensor2d([[1, 0, 1, 1], [0, 1, 1, 1]], [2, 4], "bool");
    const product = [[1, 0, 4, 6], [0, 15, 18, 21]];
    const expected = [
      product,
      product.map((row) => row.slice(0, 2).map((v) => Math.sqrt(v + 1))),
      product.map((row) => row.slice(2).map((v) => Math.sqrt(v + 1))),
    ];
    const traced = jit((x: tf.Tensor, y: tf.Tensor, kept: tf.Tensor) => {
      // What reads an output needs its shape.
      return parts(x, y, kept).map((part) => tf.reshape(part, part.shape));
    });
    for (const found of [parts(x, y, kept), traced(x, y, kept)]) {
      for (const [i, part] of found.entries()) assertClose(part, tf.tensor2d(expected[i]!), 1e-6);
    }
    traced.dispose();
  });
  await kernelsCompiled();
});

Deno.test({
  name: "oneKernel() is one call of a function that traces share",
  ignore: !hasOneDnn(),
  async fn() {
    const square = (x: tf.Tensor) => oneKernel("square", [x], (x) => [tf.mul(x!, x!)])[0]!;
    const traced = jit((x: tf.Tensor) => tf.add(square(x), square(tf.add(x, 1))));
    const other = jit((x: tf.Tensor) => square(x));
    const names = calls(() => {
      tf.tidy(() => {
        assertEquals([...traced(tf.tensor1d([1, 2])).dataSync()], [5, 13]);
        assertEquals([...other(tf.tensor1d([3, 4])).dataSync()], [9, 16]);
        assertEquals([...other(tf.tensor1d([3])).dataSync()], [9]);
      });
    });
    assertEquals([names.length, new Set(names.slice(0, 3)).size, new Set(names).size], [4, 1, 2]);
    assertEquals(calls(() => tf.tidy(() => square(tf.tensor1d([1])))), []);
    traced.dispose();
    other.dispose();
    await kernelsCompiled();
  },
});

Deno.test({
  name: "oneKernel() computes in float32 what is bfloat16, and rounds the result",
  ignore: !hasOneDnn(),
  async fn() {
    const traced = jit((x: tf.Tensor, y: tf.Tensor) => {
      const product = rawOp("MatMul", [x, y], { T: { type: "float32" } })[0]!;
      return oneKernel("third", [product], (x) => [tf.sub(tf.add(tf.div(x!, 3), 256), 256)])[0]!;
    }, { mixedPrecision: "bfloat16" });
    tf.tidy(() => {
      const third = traced(tf.tensor2d([[1]]), tf.tensor2d([[1]])).dataSync()[0]!;
      // In bfloat16, whose numbers near 256 are 2 apart, the sum would be 256; 1/3 is 171/512 in it.
      assertEquals(third, 171 / 512);
    });
    traced.dispose();
    await kernelsCompiled();
  },
});

Deno.test({
  name: "oneKernel() refuses a function that reads other tensors than its inputs",
  ignore: !hasOneDnn(),
  async fn() {
    const large = tf.zeros([1 << 15]);
    const outside = jit((x: tf.Tensor) => oneKernel("eager", [x], (x) => [tf.add(x!, large)])[0]!);
    const other = jit((x: tf.Tensor) => {
      const traced = tf.sqrt(x);
      return oneKernel("traced", [x], (x) => [tf.add(x!, traced)])[0]!;
    });
    tf.tidy(() => {
      const x = tf.ones([1 << 15]);
      assertThrows(() => outside(x), TraceError, "one kernel of eager as it reads tensors from");
      assertThrows(() => other(x), TraceError, "another traced function");
      // The binding of the trace is back.
      assertEquals(tf.add(x, 1).dataSync()[0], 2);
    });
    large.dispose();
    await kernelsCompiled();
  },
});
