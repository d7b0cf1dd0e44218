import { assertEquals, assertRejects } from "@std/assert";
import { tf } from "@/tensorflow/mod.ts";
import { withTraced } from "@/training/with_traced.ts";

Deno.test("withTraced() traces once, gives what its user returns, and frees the function", async () => {
  const before = tf.memory().numTensors;
  const weight = tf.tidy(() => tf.variable(tf.scalar(2)));
  let traces = 0;
  const square = () => {
    traces++;
    return tf.mul(weight, weight);
  };
  let kept: (() => Promise<tf.Tensor>) | undefined;
  const values = await withTraced("square", square, async (run) => {
    kept = run;
    const read: number[] = [];
    for (const value of [2, 3, 5]) {
      tf.tidy(() => weight.assign(tf.scalar(value)));
      const result = await run();
      read.push(result.dataSync()[0]!);
      result.dispose();
    }
    return read;
  });
  assertEquals([values, traces], [[4, 9, 25], 1]);
  (await kept!()).dispose();
  assertEquals(traces, 2, "the function was still there");
  const fail = () => Promise.reject(new RangeError("no"));
  await assertRejects(() => withTraced("square", square, fail), RangeError, "no");
  weight.dispose();
  assertEquals(tf.memory().numTensors, before);
});
