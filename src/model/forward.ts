import type { StatelessRandom, tf } from "@/tensorflow/mod.ts";

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
  };

/** A forward pass without dropout, with BatchNorm on its stored statistics. */
export const INFERENCE: Forward = { training: false };
