import type { Run } from "./run.ts";
import { type CheckpointName, checkpointNames } from "./schema.ts";

/** What a checkpoint of a run scores on the validation films. */
export interface CheckpointScore {
  checkpoint: CheckpointName;
  /** Completed epochs. */
  epoch: number;
  /** Validation dice before post-processing; null where that epoch was not validated. */
  dice: number | null;
  /** Whether it is the one called `final`, which a next stage goes on from by default. */
  isFinal: boolean;
}

/** Checkpoints that were validated by themselves, by dice. */
const JUDGED: readonly CheckpointName[] = ["best-dice", "swa", "ema", "best-k"];

/**
 * The validation dice of each checkpoint that a run has kept: an average's own, else that of the epoch at
 * whose end it was written. `final` is another name of one of them.
 */
export function checkpointScores({ checkpoints, metrics }: Run): CheckpointScore[] {
  return checkpointNames.flatMap((name) => {
    const checkpoint = checkpoints[name];
    if (name === "final" || checkpoint === undefined) return [];
    const { epoch, file, value } = checkpoint;
    const dice = JUDGED.includes(name)
      ? value
      : metrics.find((each) => each.epoch === epoch)?.validationDice ?? null;
    return [{ checkpoint: name, epoch, dice, isFinal: checkpoints.final?.file === file }];
  });
}
