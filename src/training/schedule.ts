/** How the learning rate changes over a stage. */
export type Schedule =
  | { schedule: "constant"; initial: number; warmupEpochs: number }
  | { schedule: "cosine"; initial: number; final: number; warmupEpochs: number }
  | RestartSchedule
  | PlateauSchedule;

/** Cosine cycles, each from `initial` to `final`. */
export interface RestartSchedule {
  schedule: "cosine-restarts";
  initial: number;
  final: number;
  warmupEpochs: number;
  /** Epochs of the first cycle (T_0). */
  cycleEpochs: number;
  /** How many times as long each next cycle is (T_mult). */
  cycleFactor: number;
}

/** A constant rate that is reduced when a metric stops improving. */
export interface PlateauSchedule {
  schedule: "plateau";
  initial: number;
  warmupEpochs: number;
  metric: "loss" | "iou" | "dice";
  /** What a reduction multiplies the rate by. */
  factor: number;
  /** Validations without improvement before a reduction. */
  patience: number;
  minimumChange: number;
  /** The rate does not go below it. */
  minimum: number;
}

/**
 * The learning rate of one step of the optimizer. After a linear rise over the warm-up it is constant,
 * or half a cosine from `initial` down to `final`, once or in cycles (SGDR; Loshchilov & Hutter 2017).
 *
 * @param schedule What to follow.
 * @param epoch Epochs done, a fraction within an epoch, in `[0, epochs]`.
 * @param epochs Epochs of the stage.
 * @param reductions How often a plateau has been met.
 */
export function learningRateAt(
  schedule: Schedule,
  epoch: number,
  epochs: number,
  reductions = 0,
): number {
  if (!(epoch >= 0 && epoch <= epochs)) {
    throw new RangeError(
      `Cannot compute the learning rate as the epoch must be in [0, ${epochs}]: ${epoch}`,
    );
  }
  const { initial, warmupEpochs } = schedule;
  if (epoch < warmupEpochs) return initial * epoch / warmupEpochs;
  switch (schedule.schedule) {
    case "constant":
      return initial;
    case "plateau":
      return Math.max(Math.min(schedule.minimum, initial), initial * schedule.factor ** reductions);
    case "cosine":
      return cosine(schedule, (epoch - warmupEpochs) / (epochs - warmupEpochs));
    case "cosine-restarts": {
      const { start, length } = cycleAt(schedule, epoch);
      // The stage's end is the end of a cycle, not the start of another that nothing follows.
      if (epoch === epochs && epoch === start && epoch > warmupEpochs) return schedule.final;
      return cosine(schedule, (epoch - start) / length);
    }
  }
}

/** Half a cosine from `initial` at 0 to `final` at 1. */
function cosine({ initial, final }: { initial: number; final: number }, progress: number): number {
  return final + (initial - final) * (1 + Math.cos(Math.PI * progress)) / 2;
}

/** The cosine cycle that a time after the warm-up lies in; epochs. */
function cycleAt(
  { warmupEpochs, cycleEpochs, cycleFactor }: RestartSchedule,
  epoch: number,
): { start: number; length: number } {
  let start = warmupEpochs, length = cycleEpochs;
  while (epoch >= start + length) {
    start += length;
    length *= cycleFactor;
  }
  return { start, length };
}

/**
 * Whether an epoch is the last one of a cosine cycle, where the rate is at its minimum: there the models
 * of an average over cycles are taken. With a warm-up of a broken number of epochs it is the epoch in
 * which the cycle ends.
 *
 * @param epoch From 1.
 */
export function endsCycle(schedule: Schedule, epoch: number): boolean {
  if (schedule.schedule !== "cosine-restarts" || epoch <= schedule.warmupEpochs) return false;
  const before = Math.max(epoch - 1, schedule.warmupEpochs);
  const { start, length } = cycleAt(schedule, before);
  return start + length <= epoch;
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
