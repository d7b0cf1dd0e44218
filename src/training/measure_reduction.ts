import type { Cluster } from "@/cluster/mod.ts";
import type { Reduction } from "@/experiments/mod.ts";
import { tf } from "@/tensorflow/mod.ts";
import { withTraced } from "./with_traced.ts";

/** Times that the reduction is measured; the middle one counts. */
const REPETITIONS = 3;

/**
 * Measures what the processes need to average as many numbers as variables have, as they do it once for
 * each change of the weights. The variables stay as they are.
 */
export async function measureReduction(
  variables: readonly tf.Variable[],
  cluster: Cluster,
): Promise<Reduction> {
  const { made } = cluster.collectives;
  const before = { ...made };
  const reduce = () => {
    const [first] = cluster.collectives.means([...variables]);
    return tf.sum(first!);
  };
  return await withTraced("measure_reduction", reduce, async (run) => {
    (await run()).dispose(); // the first one traces, and connects the processes
    const [tensors, numbers] = [made.operations - before.operations, made.numbers - before.numbers];
    const times: number[] = [];
    for (let i = 0; i < REPETITIONS; i++) {
      await cluster.gather("start of a reduction", null);
      const started = performance.now();
      (await run()).dispose();
      times.push(performance.now() - started);
    }
    const middle = times.sort((a, b) => a - b)[(REPETITIONS - 1) / 2]!;
    return { tensors, bytes: 4 * numbers, milliseconds: Math.round(10 * middle) / 10 };
  });
}
