import type { Collectives } from "@/tensorflow/mod.ts";
import { agree } from "./agree.ts";
import { Channel, type Patience } from "./channel.ts";
import { ClusterError } from "./cluster_error.ts";
import { onlyOwnAddress } from "./only_own_address.ts";
import { listenOn } from "./own_address.ts";
import { describeProgram } from "./program.ts";
import { serverDef } from "./server_def.ts";
import type { ClusterSpec } from "./tf_config.ts";

/** Settings of a cluster. */
export interface ClusterOptions {
  /** Seconds until all workers must have started. Default: 300. */
  startTimeout?: number;
  /** Seconds without a sign of life after which a worker is given up. Default: 60. */
  timeout?: number;
}

/** Milliseconds that a process has to end by itself when another is lost. */
const GRACE = 10_000;

/** Processes that train together, seen from one of them. */
export class Cluster {
  /** Ends the process if a call into TensorFlow does not come back after a worker is lost. */
  #stuck: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly spec: ClusterSpec,
    readonly collectives: Collectives,
    readonly channel: Channel,
  ) {
    channel.onFailure(({ message }) => {
      collectives.abort(message);
      this.#stuck = setTimeout(() => {
        console.error(message);
        Deno.exit(1);
      }, GRACE);
    });
  }

  /** This process's place, from 0; the chief's is 0. */
  get index(): number {
    return this.spec.index;
  }

  /** How many processes there are. */
  get size(): number {
    return this.spec.members.length;
  }

  /** Whether this process writes records and checkpoints; the others write nothing. */
  get isChief(): boolean {
    return this.index === 0;
  }

  /**
   * Finds differences between the processes before they matter.
   *
   * @param own Facts by name that must be the same everywhere.
   * @throws {ClusterError} If one is not; all processes then throw the same.
   */
  async agree(what: string, own: Record<string, string>): Promise<void> {
    await agree(this.spec, this.channel, what, own);
  }

  /** The chief's value, on all processes. */
  async fromChief<T>(what: string, value: T | undefined): Promise<T> {
    const [first] = await this.channel.gather(what, this.isChief ? value : null);
    return first as T;
  }

  /**
   * Gives a value and gets those of all processes, in their order; see `Channel.gather`.
   *
   * @param value JSON.
   */
  gather<T>(what: string, value: T): Promise<T[]> {
    return this.channel.gather(what, value);
  }

  /** Tells the others why this process stops. */
  async fail(reason: string): Promise<void> {
    clearTimeout(this.#stuck);
    await this.channel.fail(reason);
  }

  /** Ends the work of all processes together. */
  async leave(): Promise<void> {
    await this.channel.leave();
  }

  /** Whether any process says so. */
  async any(what: string, value: boolean): Promise<boolean> {
    return (await this.channel.gather(what, value)).some(Boolean);
  }

  /**
   * What became of an error: where a process was lost, TensorFlow says of the others that their
   * collectives failed, and the one that names it may come a moment later.
   */
  async explain(error: unknown): Promise<unknown> {
    const { channel } = this;
    if (!(error instanceof Error && error.name === "TensorFlowError")) return error;
    if (channel.failure) return channel.failure;
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(error), 2000);
      channel.onFailure((failure) => {
        clearTimeout(timer);
        resolve(failure);
      });
    });
  }
}

/**
 * Brings the processes of a cluster together. Call it once, before any model is made.
 *
 * @throws {ClusterError} If a process does not come in time, or has been told of another cluster.
 */
export async function joinCluster(
  spec: ClusterSpec,
  { startTimeout = 300, timeout = 60 }: ClusterOptions = {},
): Promise<Cluster> {
  const patience: Patience = { start: startTimeout, lost: timeout };
  const channel = await Channel.open(spec, patience);
  // TensorFlow takes seconds to load: after the channel, so that a wrong cluster is found at once.
  let cluster: Cluster | undefined;
  const { Collectives, tensorflowVersion, usesGpu } = await import("@/tensorflow/mod.ts");
  try {
    const hint = usesGpu() ? "nccl" : "ring";
    await agree(spec, channel, "program", {
      ...await describeProgram(tensorflowVersion),
      device: usesGpu() ? "gpu" : "cpu",
    });
    const own = spec.members[spec.index]!;
    // Finds out whether the address is this machine's, and what its name stands for.
    const listener = await listenOn(own, 0);
    const { hostname: ip } = listener.addr;
    listener.close();
    const collectives = new Collectives(serverDef(spec), spec.members.length, hint);
    if (!onlyOwnAddress(ip, own.port)) {
      console.warn(
        `TensorFlow listens on port ${own.port} of all addresses of this machine, as they cannot be ` +
          `closed here. Let nobody but the workers reach it`,
      );
    }
    cluster = new Cluster(spec, collectives, channel);
    await channel.gather("started", null);
    return cluster;
  } catch (error) {
    await (cluster ?? channel).fail((error as Error).message);
    throw error instanceof ClusterError ? error : channel.failure ?? error;
  }
}
