/** What each part of the system is worth: one thing changed at a time, with several seeds. */
export { ABLATION, type AblationRow, type Member, type Way } from "./rows.ts";
export {
  ablationChart,
  type AblationResults,
  ablationTable,
  type MeasuredRow,
  readAblation,
  spread,
  withSpread,
  writeAblation,
} from "./results.ts";
export { type MeasureOptions, measureRows, type TrainedRuns } from "./measure.ts";
export { withAnnotations } from "./truth.ts";
export { type AblationWatcher, runAblation } from "./run.ts";
