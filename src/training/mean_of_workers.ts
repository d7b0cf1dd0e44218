import type { Cluster } from "@/cluster/mod.ts";
import { jit, tf } from "@/tensorflow/mod.ts";

/** Gives variables the mean of what all processes have in them. */
export async function takeMeanOfWorkers(
  variables: readonly tf.Variable[],
  cluster: Cluster,
): Promise<void> {
  if (variables.length === 0) return;
  const take = jit(() =>
    tf.tidy(() => {
      const means = cluster.collectives.means([...variables]);
      for (const [i, variable] of variables.entries()) variable.assign(means[i]!);
      return {};
    }), { name: "take_mean_of_workers" });
  try {
    await take.async();
  } finally {
    take.dispose();
  }
}
