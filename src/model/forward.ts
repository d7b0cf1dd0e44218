import type { StatelessRandom, tf } from "@/tensorflow/mod.ts";

/** The processes that train together: what means over all their batches are computed with. */
export interface AcrossWorkers {
  /** How many processes. */
  readonly size: number;
  /** The mean of the processes' tensors; its gradient is the mean of theirs. */
  mean<T extends tf.Tensor>(x: T): T;
}

/** What a forward pass needs to know beside its input. */
export type Forward =
  | { training: false }
  | {
    training: true;
    /** Where dropout draws from. */
    random: StatelessRandom;
    /**
     * Overrides the momentum of BatchNorm's statistics, a scalar. With `k / (k + 1)` in the k-th call
     * (k = 0, 1, ...) they become the mean over the calls: that is how they are re-estimated after
     * weights have been averaged.
     */
    momentum?: tf.Scalar;
    /** Whether a pass is repeated for its gradient: BatchNorm's statistics are then left alone. */
    isRepetition?: boolean;
    /** Makes BatchNorm normalise by the statistics of all processes' batches. */
    acrossWorkers?: AcrossWorkers;
  };

/** A forward pass without dropout, with BatchNorm on its stored statistics. */
export const INFERENCE: Forward = { training: false };
