/** What a reduction of gradients costs a worker beside the time on the wire. */
export interface ReduceCosts {
  /** Bytes of all gradients. */
  bytes: number;
  /** Tensors that they are packed into. */
  packs: number;
  /** Milliseconds of a message from one worker to the next, without latency of the network. */
  hop: number;
  /** Milliseconds of copying, adding and gRPC for each byte that a worker sends. */
  perByte: number;
}

/** A network in which each worker has a link of its own. */
export interface Link {
  /** Mbit/s in each direction. */
  mbit: number;
  /** Milliseconds one way. */
  latency: number;
}

/** No network at all: messages between processes of a machine. */
export const LOOPBACK: Link = { mbit: Infinity, latency: 0 };

/**
 * Milliseconds of a ring all-reduce (Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for
 * clusters of workstations", 2009): each worker sends `2 (n - 1) / n` of the bytes, in `2 (n - 1)` messages
 * one after the other. Packs are taken one after the other too.
 */
export function reduceTime(workers: number, costs: ReduceCosts, link: Link): number {
  const { bytes, packs, hop, perByte } = costs;
  const wire = 8 / (link.mbit * 1000);
  const messages = 2 * (workers - 1);
  return messages / workers * bytes * (perByte + wire) + packs * messages * (hop + link.latency);
}

/**
 * The costs that explain what two workers without a network took.
 *
 * @param reduce Milliseconds of a whole reduction.
 * @param smallest Milliseconds of the reduction of one number.
 */
export function fitCosts(
  { bytes, packs, reduce, smallest }: Pick<ReduceCosts, "bytes" | "packs"> & {
    reduce: number;
    smallest: number;
  },
): ReduceCosts {
  const hop = smallest / 2;
  return { bytes, packs, hop, perByte: Math.max(0, reduce - packs * smallest) / bytes };
}

/**
 * The share of `n` times one worker's speed that `n` workers reach, if nothing of the reduction is hidden
 * behind the backward pass.
 *
 * @param compute Milliseconds that a worker computes from one reduction to the next.
 */
export function efficiency(
  workers: number,
  compute: number,
  costs: ReduceCosts,
  link: Link,
): number {
  return compute / (compute + reduceTime(workers, costs, link));
}
