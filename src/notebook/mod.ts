/** What a notebook needs to show things: pictures, tables, text, and how far long work has come. */
export { type Choice, experimentChoices, showExperiment } from "./experiment_table.ts";
export {
  browseFilms,
  type BrowseOptions,
  FILM_ORDERS,
  type FilmOrder,
  type FilmPage,
  type FilmPrediction,
  selectFilms,
} from "./film_browser.ts";
export {
  finishedRuns,
  MissingRunError,
  type NotebookStages,
  notebookStages,
} from "./finished_runs.ts";
export { excludedRows, showExcluded } from "./excluded_table.ts";
export { medianSeconds } from "./median_seconds.ts";
export { overlapRows } from "./overlap_table.ts";
export { markdown, type MimeBundle, show, type ShowOptions } from "./show.ts";
export { showChart, showImage } from "./pictures.ts";
export {
  clearBar,
  Progress,
  type ProgressOptions,
  type ProgressState,
  progressText,
} from "./progress.ts";
export { table, tableHtml, type TableOptions, tableText, type TableValue } from "./table.ts";
export { type StageWatcher, watchStage } from "./watch_stage.ts";
