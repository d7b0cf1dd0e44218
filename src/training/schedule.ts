/** How the learning rate changes over a stage. */
export type Schedule =
  | { schedule: "constant"; initial: number; warmupEpochs: number }
  | { schedule: "cosine"; initial: number; final: number; warmupEpochs: number };

/**
 * The learning rate of one step of the optimizer: a linear rise over the warm-up, then constant, or
 * half a cosine from `initial` down to `final` (Loshchilov & Hutter 2017, one cycle).
 *
 * @param schedule What to follow.
 * @param epoch Epochs done, a fraction within an epoch, in `[0, epochs]`.
 * @param epochs Epochs of the stage.
 */
export function learningRateAt(schedule: Schedule, epoch: number, epochs: number): number {
  if (!(epoch >= 0 && epoch <= epochs)) {
    throw new RangeError(
      `Cannot compute the learning rate as the epoch must be in [0, ${epochs}]: ${epoch}`,
    );
  }
  const { initial, warmupEpochs } = schedule;
  if (epoch < warmupEpochs) return initial * epoch / warmupEpochs;
  if (schedule.schedule === "constant") return initial;
  const progress = (epoch - warmupEpochs) / (epochs - warmupEpochs);
  return schedule.final + (initial - schedule.final) * (1 + Math.cos(Math.PI * progress)) / 2;
}

/** One share for a whole stage, or a line from its first epoch to its last. */
export type Sliding = number | { from: number; to: number };

/**
 * The value of a sliding share in one epoch.
 *
 * @param epoch From 0.
 * @param epochs Epochs of the stage.
 */
export function slidingAt(sliding: Sliding, epoch: number, epochs: number): number {
  if (typeof sliding === "number") return sliding;
  const progress = epochs > 1 ? epoch / (epochs - 1) : 0;
  return sliding.from + (sliding.to - sliding.from) * progress;
}
