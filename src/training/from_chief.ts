import type { Cluster } from "@/cluster/mod.ts";
import { ResourceVariable, tf } from "@/tensorflow/mod.ts";
import type { VariableGroups } from "./checkpoint.ts";
import { withTraced } from "./with_traced.ts";

/** Gives variables the chief's values in all processes. */
export async function takeFromChief(groups: VariableGroups, cluster: Cluster): Promise<void> {
  const variables = Object.values(groups).flatMap((group) => [...group.values()]);
  if (variables.length === 0) return;
  await withTraced("take_from_chief", () => {
    const values = variables.map((variable) =>
      variable instanceof ResourceVariable ? variable.read() : variable.clone()
    );
    const own = cluster.isChief ? values : values.map((value) => tf.zerosLike(value));
    const sums = cluster.collectives.sums(own);
    for (const [i, variable] of variables.entries()) variable.assign(sums[i]!);
    return {};
  }, (take) => take());
}
