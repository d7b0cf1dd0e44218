/** Training of one stage: step, schedule, averaging, checkpoints, and the loop around them. */
export { type AccumulationCase, accumulationDifference } from "./accumulation_difference.ts";
export { type AverageShare, averageShares } from "./average_shares.ts";
export { MovingAverage, WeightAverage } from "./averaging.ts";
export {
  assignGroup,
  CheckpointError,
  type ReadCheckpoint,
  readCheckpoint,
  writeCheckpoint,
  type WrittenCheckpoint,
} from "./checkpoint.ts";
export { crc32c } from "./crc32c.ts";
export { EventFile } from "./event_file.ts";
export { HISTORY_FILE, historyCsv, writeHistory } from "./history.ts";
export { Interrupt, InterruptedError } from "./interrupt.ts";
export { LossScale, type LossScaleOptions } from "./loss_scale.ts";
export {
  Adam,
  type AdamOptions,
  clipGradients,
  type Clipping,
  createOptimizer,
  GradientDescent,
  type GradientDescentOptions,
  type Optimizer,
  type OptimizerOptions,
} from "./optimizer.ts";
export { type Patience, type PatienceRule, PATIENT, watch } from "./patience.ts";
export { planStage, planText, type StagePlan } from "./plan.ts";
export {
  endsCycle,
  learningRateAt,
  type PlateauSchedule,
  type RestartSchedule,
  type Schedule,
  type Sliding,
  slidingAt,
} from "./schedule.ts";
export { scheduleCurve, type ScheduledRate } from "./schedule_curve.ts";
export { type StageOptions, type StageProgress, trainStage } from "./stage.ts";
export { loadStageData, splitStage, type StageData, type StageDataOptions } from "./stage_data.ts";
export { type StepWorkers, type TrainingStep, trainingStep } from "./step.ts";
export { batchTensors, type Validation, type Validator, validator } from "./validate.ts";
