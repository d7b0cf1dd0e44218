import { assertEquals } from "@std/assert";
import { GraphBinding } from "@/tensorflow/graph.ts";
import { jit, tf } from "@/tensorflow/mod.ts";
import { isTraced } from "@/tensorflow/traced.ts";
import { assertClose } from "./assert_close.ts";

const README = new URL("../../src/tensorflow/README.md", import.meta.url);

/**
 * The graph that a function is traced to, as a Mermaid flow chart: what it takes on top, what it gives
 * below.
 *
 * @param call Calls a jitted function for the first time.
 * @param inputs Names of what it reads: arguments, then variables.
 * @param outputs Names of what it gives: results, then variables that it assigns.
 */
function drawGraph(call: () => void, inputs: string[], outputs: string[]): string {
  const { executeOp, toFunction } = GraphBinding.prototype;
  const lines: string[] = [];
  const madeBy = new Map<number, string>();
  const operations: { node: string; inputs: number[] }[] = [];
  GraphBinding.prototype.executeOp = function (name, attributes, ids, count) {
    const made = executeOp.call(this, name, attributes, ids, count);
    // What changes nothing is not written down.
    if (made.some(({ id }) => ids.includes(id))) return made;
    const node = `n${operations.length}`;
    lines.push(`  ${node}[${name}]`);
    operations.push({ node, inputs: ids });
    for (const { id } of made) madeBy.set(id, node);
    return made;
  };
  GraphBinding.prototype.toFunction = function (name, ins, outs) {
    toFunction.call(this, name, ins, outs);
    for (const [i, id] of ins.entries()) {
      lines.unshift(`  in${i}([${inputs[i]}])`);
      madeBy.set(id, `in${i}`);
    }
    // What is no operation's and no input was made in JavaScript: a constant.
    for (const { node, inputs } of operations) {
      for (const id of inputs) if (isTraced(id)) lines.push(`  ${madeBy.get(id)} --> ${node}`);
    }
    for (const [i, id] of outs.entries()) {
      lines.push(`  ${madeBy.get(id)} --> out${i}([${outputs[i]}])`);
    }
  };
  try {
    call();
  } finally {
    Object.assign(GraphBinding.prototype, { executeOp, toFunction });
  }
  return ["flowchart TD", ...lines].join("\n");
}

Deno.test("README.md shows the graph of its example, and the example learns", async () => {
  const w = tf.variable(tf.scalar(1), true, "w");
  const step = jit((x: tf.Tensor, y: tf.Tensor) =>
    tf.tidy(() => {
      const loss = () => tf.mean(tf.square(tf.sub(tf.mul(x, w), y))) as tf.Scalar;
      const { value, grads } = tf.variableGrads(loss, [w]);
      w.assign(tf.sub(w, tf.mul(grads["w"]!, 0.1)));
      return value;
    })
  );
  const [x, y] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 6])];
  const losses: tf.Tensor[] = [];
  const graph = drawGraph(() => losses.push(step(x, y)), ["x", "y", "w"], ["loss", "w, new"]);
  // By hand: the loss is 2.5 (w - 3)², its gradient 5 (w - 3).
  assertClose(losses[0]!, [10]);
  assertClose(w, [2]);
  tf.dispose([x, y, w, losses]);
  step.dispose();

  const text = await Deno.readTextFile(README);
  const shown = /```mermaid\n([^]*?)\n```/.exec(text)?.[1];
  assertEquals(shown, graph, `put this into src/tensorflow/README.md:\n\n${graph}\n`);
});
