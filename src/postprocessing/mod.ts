/** From probabilities to a submission: test-time averages, thresholds, components, run lengths. */
export {
  calibrate,
  Calibration,
  type CalibrationBin,
  type CalibrationCurve,
} from "./calibration.ts";
export {
  type ComponentOverlap,
  componentOverlaps,
  type Components,
  connectedComponents,
  type Connectivity,
  removeSmallComponents,
} from "./components.ts";
export {
  Ensemble,
  type EnsembleOptions,
  type Prediction,
  type PredictOptions,
} from "./ensemble.ts";
export {
  fitPostprocessing,
  type Fitting,
  type FittingGrid,
  type FittingStep,
  PLAIN_RULE,
  type StepName,
} from "./fit.ts";
export { type EnsembleFitting, fitEnsemble, type FitEnsembleOptions } from "./fit_ensemble.ts";
export { countAboveLevels, type LevelCounts } from "./level_counts.ts";
export { loadEnsemble } from "./load_ensemble.ts";
export { type MaskRule, ruleText, toMask } from "./mask_rule.ts";
export { dice, iou, maskOverlap } from "./overlap.ts";
export { averageProbabilities, flipHorizontal, threshold } from "./probabilities.ts";
export { resizeBilinear } from "./resize.ts";
export {
  type Answer,
  checkSubmission,
  SubmissionError,
  type SubmissionSummary,
  writeSubmission,
} from "./submission.ts";
export {
  type FilmScore,
  predictMasks,
  scorePredictions,
  scoreRules,
  type Scores,
  scoreSubmission,
  withTruth,
} from "./score.ts";
export { type ShiftedDice, shiftedDice, shiftMask } from "./shifted_dice.ts";
export { loadTrainedModel, type TrainedModel } from "./trained_model.ts";
export {
  searchTriplet,
  type Triplet,
  type TripletGrid,
  tripletRule,
  TripletSearch,
} from "./triplet.ts";
export { type EnsembleViews, ensembleViews } from "./ensemble_views.ts";
