import type { Cluster } from "@/cluster/mod.ts";
import type { tf } from "@/tensorflow/mod.ts";
import { withTraced } from "./with_traced.ts";

/** Gives variables the mean of what all processes have in them. */
export async function takeMeanOfWorkers(
  variables: readonly tf.Variable[],
  cluster: Cluster,
): Promise<void> {
  if (variables.length === 0) return;
  await withTraced("take_mean_of_workers", () => {
    const means = cluster.collectives.means([...variables]);
    for (const [i, variable] of variables.entries()) variable.assign(means[i]!);
    return {};
  }, (take) => take());
}
