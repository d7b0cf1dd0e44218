/** Charts as vega-lite specifications, and pictures of films with masks. */
export type { ChartOptions } from "./frame.ts";
export { type BarRow, bars } from "./bars.ts";
export { type Bin, binCounts, histogram } from "./histogram.ts";
export { type LineRow, lines } from "./lines.ts";
export { heatmap } from "./heatmap.ts";
export { type Point, scatter } from "./scatter.ts";
export { type DistributionRow, distributions } from "./distributions.ts";
export { type ShareRow, shares } from "./shares.ts";
export { panels } from "./panels.ts";
export { flowDiagram, type FlowStep } from "./flow.ts";
export { type Film, filmGrid, type FilmGridOptions, type FilmStyle } from "./film_grid.ts";
export { drawMask, greyToRgb, type MaskStyle, overlay } from "./overlay.ts";
export { ChartError, type ChartPicture, renderPicture, renderPng, renderSvg } from "./render.ts";
export { COLORS, colorsOf, FONT, INK, MUTED, NEUTRAL, PALETTE, THEME } from "./theme.ts";
export type { TopLevelSpec } from "vega-lite";
export { bestMedianWorst, faintestFilms, filmPictures, scorePictures } from "./film_pictures.ts";
export { type CurveMetric, learningCurves, runCurves } from "./learning_curves.ts";
export { networkDiagram } from "./network.ts";
export { lineageDiagram } from "./lineage_diagram.ts";
export { comparison, type Measurements } from "./comparison.ts";
export {
  fittingAreas,
  fittingBySex,
  fittingSteps,
  fittingThresholds,
  fittingTriplets,
} from "./fitting_charts.ts";
export {
  agesByClass,
  areaHistogram,
  areasByGroup,
  classBalance,
  coverageByGroup,
  coverageFigure,
  coverageMap,
  coverageZones,
  filmsPerPatient,
  foldBalance,
  greyLevels,
  sharesByGroup,
} from "./data_charts.ts";
export {
  constantLossChart,
  foundMaskChart,
  missedMaskChart,
  pixelLossChart,
} from "./loss_charts.ts";
export {
  averagesChart,
  chainSchedule,
  checkpointChart,
  drawnShares,
  memoryChart,
  scheduleChart,
} from "./training_charts.ts";
export {
  calibrationChart,
  errorsByGroup,
  errorsBySize,
  filmConfusion,
  heldOutScores,
  modelScores,
} from "./results_charts.ts";
export { shiftedDiceChart } from "./dice_charts.ts";
export { ensembleFlow, wholeFlow } from "./flow_charts.ts";
export { ensemblePictures } from "./ensemble_pictures.ts";
export { activationCurves, featurePictures, modelDiagram, modelSizes } from "./model_charts.ts";
