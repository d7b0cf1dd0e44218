import { type Channel, describeMember } from "./channel.ts";
import { ClusterError } from "./cluster_error.ts";
import type { ClusterSpec } from "./tf_config.ts";

/**
 * Finds differences between the processes before they matter.
 *
 * @param what What the facts are about.
 * @param own Facts by name that must be the same everywhere.
 * @throws {ClusterError} If one is not; all processes then throw the same.
 */
export async function agree(
  { members }: ClusterSpec,
  channel: Channel,
  what: string,
  own: Record<string, string>,
): Promise<void> {
  const [chief, ...others] = await channel.gather(what, own);
  const differences = others.flatMap((other, i) =>
    Object.keys({ ...chief, ...other })
      .filter((name) => other[name] !== chief![name])
      .map((name) =>
        `${name} is ${chief![name] ?? "unknown"} on ${describeMember(members[0])} and ` +
        `${other[name] ?? "unknown"} on ${describeMember(members[i + 1])}`
      )
  );
  if (differences.length === 0) return;
  throw new ClusterError(
    `Cannot train together as the workers differ: ${
      differences.join("; ")
    }. Give all of them the ` +
      `same code, packages, data and command`,
  );
}
