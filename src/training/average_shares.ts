import type { EpochMetrics, Experiment } from "@/experiments/mod.ts";
import { endsCycle } from "./schedule.ts";

/** How much the weights of one epoch count in an average of weights. */
export interface AverageShare {
  /** From 1. */
  epoch: number;
  /** In `[0, 1]`; over all epochs they add up to 1, less what is left of the starting weights. */
  share: number;
  average: "swa" | "ema" | "best-k";
}

/**
 * How much each epoch counts in the averages that a training asks for: the same for each epoch of
 * stochastic weight averaging, the same for each of the k best epochs, falling towards the past in the
 * moving average, where an epoch is the sum of its steps.
 *
 * @param metrics Of the epochs done; their validation dice chooses the best.
 * @param stepsPerEpoch Steps of the optimizer.
 */
export function averageShares(
  training: Pick<Experiment["training"], "swa" | "ema" | "bestK" | "learningRate">,
  metrics: readonly EpochMetrics[],
  stepsPerEpoch: number,
): AverageShare[] {
  const { swa, ema, bestK, learningRate } = training;
  const epochs = metrics.map(({ epoch }) => epoch);
  const evenly = (chosen: readonly number[], average: AverageShare["average"]) =>
    epochs.map((epoch) => {
      return { epoch, share: chosen.includes(epoch) ? 1 / chosen.length : 0, average };
    });
  const shares: AverageShare[] = [];
  if (swa) {
    const isTaken = (epoch: number) =>
      epoch >= swa.startEpoch && (swa.each !== "cycle" || endsCycle(learningRate, epoch));
    shares.push(...evenly(epochs.filter(isTaken), "swa"));
  }
  if (ema) {
    const byEpoch = movingShares(epochs.length, stepsPerEpoch, ema.decay);
    shares.push(
      ...epochs.map((epoch, i) => ({ epoch, share: byEpoch[i]!, average: "ema" as const })),
    );
  }
  if (bestK) {
    const best = metrics.filter(({ validationDice }) => Number.isFinite(validationDice))
      .toSorted((a, b) => b.validationDice! - a.validationDice!)
      .slice(0, bestK.count);
    shares.push(...evenly(best.map(({ epoch }) => epoch), "best-k"));
  }
  return shares;
}

/** Shares of epochs in `MovingAverage`, whose decay is lower in the first steps. */
function movingShares(epochs: number, stepsPerEpoch: number, most: number): number[] {
  const shares = new Array<number>(epochs).fill(0);
  let left = 1;
  for (let step = epochs * stepsPerEpoch - 1; step >= 0; step--) {
    const decay = Math.min((1 + step) / (10 + step), most);
    shares[Math.floor(step / stepsPerEpoch)]! += left * (1 - decay);
    left *= decay;
  }
  return shares;
}
