/** Training of one stage: step, schedule, averaging, checkpoints, and the loop around them. */
export { WeightAverage } from "./averaging.ts";
export {
  assignGroup,
  CheckpointError,
  type ReadCheckpoint,
  readCheckpoint,
  writeCheckpoint,
  type WrittenCheckpoint,
} from "./checkpoint.ts";
export { Interrupt, InterruptedError } from "./interrupt.ts";
export { Adam, type AdamOptions, type Optimizer } from "./optimizer.ts";
export { planStage, planText, type StagePlan } from "./plan.ts";
export { learningRateAt, type Schedule, type Sliding, slidingAt } from "./schedule.ts";
export { type StageOptions, type StageProgress, trainStage } from "./stage.ts";
export { loadStageData, splitStage, type StageData, type StageDataOptions } from "./stage_data.ts";
export { type TrainingStep, trainingStep } from "./step.ts";
export { batchTensors, type Validation, type Validator, validator } from "./validate.ts";
