import { z } from "zod";
import { ClusterError } from "./cluster_error.ts";

/** One of the processes that train together. */
export interface Member {
  /** What it is called in messages: "chief 0", "worker 1". */
  name: string;
  /** `host:port`, as it was given. */
  address: string;
  host: string;
  port: number;
}

/** Which processes train together, and which of them this one is. */
export interface ClusterSpec {
  /** The chief first. */
  members: readonly Member[];
  /** This process's place among them. */
  index: number;
}

/** The variable that tells a process of its cluster, as TensorFlow's own programs have it. */
export const CLUSTER_VARIABLE = "TF_CONFIG";

const address = z.string().min(1);
const index = z.union([z.int(), z.string().regex(/^\d+$/).transform(Number)]);

// Vertex AI and others add keys of their own.
const config = z.looseObject({
  cluster: z.record(z.string(), z.array(address)),
  task: z.looseObject({ type: z.string(), index: index.default(0) }),
});

/** The kinds of task that train, in the order of their ranks. "master" is what "chief" once was. */
const TRAINING_TASKS = ["chief", "master", "worker"] as const;

/**
 * Reads a cluster from the JSON of `TF_CONFIG`, the convention of TensorFlow that Kubeflow's training
 * operator, Vertex AI and wrappers for Slurm set:
 * `{"cluster": {"chief": ["host:port"], "worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}`.
 * The chief is the task "chief", or the first worker where there is none. Evaluators take no part.
 *
 * @returns `undefined` if the text is empty or names no cluster: the process then trains alone.
 * @throws {ClusterError} If it is not such JSON, or the cluster or the task makes no sense.
 */
export function parseTfConfig(text: string | undefined): ClusterSpec | undefined {
  if (text === undefined || text.trim() === "" || text.trim() === "{}") return undefined;
  const refuse = (why: string): never => {
    throw new ClusterError(
      `Cannot read the cluster from ${CLUSTER_VARIABLE} as ${why}. Set it to ` +
        `{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}`,
    );
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return refuse(`it is not JSON: ${(error as Error).message}`);
  }
  const parsed = config.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(`${issue!.path.join(".") || "it"} is wrong: ${issue!.message}`);
  }
  const { cluster, task } = parsed.data;
  if (cluster.ps?.length) {
    refuse("it has parameter servers (ps), and this project trains without them");
  }
  const known = [...TRAINING_TASKS, "ps", "evaluator"];
  const strange = Object.keys(cluster).find((type) => !known.includes(type));
  if (strange !== undefined) refuse(`it has a task that is not known: ${strange}`);
  if ((cluster.chief?.length ?? 0) + (cluster.master?.length ?? 0) > 1) {
    refuse("it has more than one chief");
  }
  const tasks = TRAINING_TASKS.flatMap((type) =>
    (cluster[type] ?? []).map((address, index) => ({ type, index, address }))
  );
  const members = tasks.map(({ type, index, address }): Member => {
    const { host, port } = parseAddress(address) ??
      refuse(`the address of ${type} ${index} is not host:port: ${address}`);
    return { name: `${type} ${index}`, address, host, port };
  });
  for (const [i, { name, address }] of members.entries()) {
    const other = members.slice(0, i).find((member) => member.address === address);
    if (other) refuse(`${other.name} and ${name} have the same address: ${address}`);
  }
  const own = tasks.findIndex(({ type, index }) => type === task.type && index === task.index);
  if (own < 0) {
    const names = members.map(({ name }) => name).join(", ") || "none";
    refuse(`there is no task ${task.type} ${task.index} that trains; there are: ${names}`);
  }
  return { members, index: own };
}

function parseAddress(address: string): { host: string; port: number } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:\s[\]/]+)):(\d+)$/.exec(address) ?? [];
  const host = bracketed ?? plain, port = Number(digits);
  if (host === undefined || !(port >= 1 && port <= 65535)) return undefined;
  return { host, port };
}
