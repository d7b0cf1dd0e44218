/** Losses on logits, and the metrics that a run is judged by. */
export { binaryCrossEntropy, pixelCrossEntropy } from "./binary_cross_entropy.ts";
export { diceLoss, type DiceOptions, type Reduction, type SharedBatch } from "./dice.ts";
export { focalLoss, type FocalOptions } from "./focal.ts";
export {
  constantLosses,
  foundDiscLosses,
  type LossPoint,
  lowestPoints,
  missedDiscLosses,
  pixelLosses,
  relativeToFirst,
} from "./loss_curves.ts";
export { lovaszHinge, type LovaszOptions, symmetricLovaszHinge } from "./lovasz.ts";
export { overlapCounts } from "./overlap_counts.ts";
export { type MetricValues, SegmentationMetrics } from "./segmentation_metrics.ts";
export {
  type Loss,
  LOSSES,
  type LossName,
  type LossOptions,
  type LossWeights,
  weightedLoss,
} from "./weighted_loss.ts";
