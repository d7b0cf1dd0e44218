/** What is written of predicted films for people and viewers: masks, overlays, DICOM Segmentations, JSON. */
export {
  describeMask,
  type FilmDescription,
  type PredictedMask,
  type Region,
  type Side,
} from "./describe_mask.ts";
export { greyPng, overlayPng } from "./pictures.ts";
export { type FilmReport, PredictionFolder, type PredictionOptions } from "./prediction_folder.ts";
