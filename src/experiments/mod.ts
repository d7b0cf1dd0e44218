/**
 * Experiments as data: strict YAML files that say what to run, and one record for each run that
 * holds what is needed to repeat it.
 */
export { type CheckpointName, checkpointNames, type Experiment } from "./schema.ts";
export { projectFolder, runsFolder } from "./folders.ts";
export { ExperimentError, type Problem } from "./problems.ts";
export { type CheckpointScore, checkpointScores } from "./checkpoint_scores.ts";
export { type RunFile, runFiles } from "./run_files.ts";
export { applyOverrides } from "./overrides.ts";
export { loadStage } from "./chain.ts";
export { compareRuns, compareSurroundings } from "./compare.ts";
export { lineage, type LineageRow } from "./lineage.ts";
export { listExperiments, loadExperiment, type LoadOptions } from "./load.ts";
export { describeFields, type Field, fieldTable } from "./fields.ts";
export {
  type Checkpoint,
  type CheckpointReference,
  type EpochMetrics,
  type FittedRule,
  type GitState,
  type Parent,
  type Pretrained,
  type ProcessIdentity,
  type Reduction,
  type Run,
  type RunData,
  runFile,
  runFolder,
  RunRecordError,
  type RunStatus,
  type Surroundings,
} from "./run.ts";
export { type Checkpoints, RunRecord, type RunResume, type RunStart } from "./record.ts";
export {
  configurationHash,
  findFinished,
  findParentRun,
  findResumable,
  findRun,
  listRuns,
  readRun,
  type ResumeKey,
  type RunFilter,
  type RunList,
} from "./find.ts";
export { describeMember, findMember, type Member } from "./member.ts";
export { findFittedRule, recordFittedRule } from "./fitted_rule.ts";
