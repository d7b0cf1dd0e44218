import { fileURLToPath } from "node:url";
import type { WorkerTimes } from "./ours/worker.ts";

/** How workers of this machine are connected. */
export interface Network {
  workers: number;
  /** Speed of each worker's link in both directions, Mbit/s; the loopback interface where left out. */
  mbit?: number;
}

const WORKER = fileURLToPath(new URL("ours/worker.ts", import.meta.url));
const PORT = 29_900;

/**
 * Runs `ours/worker.ts` once for each worker, one core each.
 *
 * With a link's speed, each worker is in a network namespace of its own, and a token bucket (`tc tbf`)
 * limits both ends of its veth pair; a bridge connects them. All of it is within namespaces that end with
 * the command: neither root nor any change to the machine is needed.
 *
 * @throws {Error} If the system does not let a user make namespaces, or a worker fails.
 */
export async function runWorkers(
  { workers, mbit }: Network,
  args: readonly string[],
): Promise<WorkerTimes> {
  const addresses = Array.from(
    { length: workers },
    (_, i) => mbit === undefined ? `127.0.0.1:${PORT + i}` : `10.77.0.${i + 1}:${PORT}`,
  );
  const lines = addresses.map((_, index) => {
    const config = { cluster: { worker: addresses }, task: { type: "worker", index } };
    const command = `env TF_CONFIG='${JSON.stringify(config)}' "$@" < /dev/null &`;
    return mbit === undefined ? command : `ip netns exec w${index} ${command}`;
  });
  const script = [
    "set -e",
    ...(mbit === undefined ? [] : namespaces(workers, mbit)),
    ...lines,
    'for job in $(jobs -p); do wait "$job"; done',
  ].join("\n");
  const bash = [
    "bash",
    "-c",
    script,
    "workers",
    Deno.execPath(),
    "run",
    "-A",
    "--no-check",
    WORKER,
  ];
  const [command, ...rest] = mbit === undefined
    ? bash
    : ["unshare", "--map-root-user", "--net", "--mount", ...bash];
  const { success, stdout, stderr } = await new Deno.Command(command!, {
    args: [...rest, ...args],
    env: { PNEUMOTHORAX_THREADS: "1" },
    stdin: "null",
  }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (success && out) return JSON.parse(out);
  throw new Error(`Cannot measure ${workers} workers: ${error}`);
}

/** Commands that make a namespace for each worker, called w0, w1, ... */
function namespaces(workers: number, mbit: number): string[] {
  const limit = `root tbf rate ${mbit}mbit burst 256kb latency 100ms`;
  return [
    "mount -t tmpfs none /run", // for ip netns, whoever calls
    "ip link add bridge0 type bridge",
    "ip link set bridge0 up",
    ...Array.from({ length: workers }, (_, i) => [
      `ip netns add w${i}`,
      `ip link add v${i} type veth peer name eth0 netns w${i}`,
      `ip link set v${i} master bridge0 up`,
      `ip -n w${i} addr add 10.77.0.${i + 1}/24 dev eth0`,
      `ip -n w${i} link set eth0 up`,
      `ip -n w${i} link set lo up`,
      `tc qdisc add dev v${i} ${limit}`,
      `tc -n w${i} qdisc add dev eth0 ${limit}`,
    ]).flat(),
  ];
}
