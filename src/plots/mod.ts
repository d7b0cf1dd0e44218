/** Charts as vega-lite specifications, and pictures of films with masks. */
export {
  type BarRow,
  bars,
  type Bin,
  binCounts,
  type ChartOptions,
  heatmap,
  histogram,
  type LineRow,
  lines,
  type Point,
  scatter,
} from "./charts.ts";
export { type Film, filmGrid, type FilmGridOptions } from "./film_grid.ts";
export { drawMask, greyToRgb, type MaskStyle, overlay } from "./overlay.ts";
export { ChartError, type ChartPicture, renderPicture, renderPng, renderSvg } from "./render.ts";
export { COLORS, colorsOf, FONT, PALETTE, THEME } from "./theme.ts";
export type { TopLevelSpec } from "vega-lite";
export { filmPictures, scorePictures } from "./film_pictures.ts";
export { type CurveMetric, learningCurves, runCurves } from "./learning_curves.ts";
export { networkDiagram } from "./network.ts";
export { comparison, type Measurements } from "./comparison.ts";
export {
  fittingAreas,
  fittingBySex,
  fittingSteps,
  fittingThresholds,
  fittingTriplets,
} from "./fitting_charts.ts";
