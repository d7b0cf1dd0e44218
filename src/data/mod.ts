/** The competition's files: masks as run lengths, the index of films, folds, prepared images, batches. */
export { type AnnotationSummary, annotationSummary } from "./annotation_summary.ts";
export { resizeArea, resizeMask } from "./area.ts";
export {
  type Batch,
  batchCount,
  batches,
  type BatchOptions,
  type ImageBatch,
  imageBatches,
} from "./batches.ts";
export { ByteCache } from "./byte_cache.ts";
export { mirroredPlace, neighbouringTiles } from "./clahe.ts";
export {
  applyContrast,
  type Contrast,
  contrastTable,
  DEFAULT_CLAHE,
  DEFAULT_CONTRAST,
} from "./contrast.ts";
export { maskCoverage } from "./coverage.ts";
export {
  dataHash,
  type Dataset,
  datasetRoot,
  type Header,
  loadDataset,
  loadFilms,
  type LoadOptions,
} from "./dataset.ts";
export { DatasetError } from "./dataset_error.ts";
export { maximumExcluded, withoutPath } from "./exclusion.ts";
export { type Excluded, type Film, FILM_SIZE, type FilmFile, isImageId } from "./film.ts";
export {
  groupedStratifiedFolds,
  holdOut,
  type Split,
  type Splittable,
  stratifiedSplit,
} from "./folds.ts";
export { duplicateImages } from "./duplicates.ts";
export { encodeGreyPng, readGreyPng } from "./grey_png.ts";
export {
  importDataset,
  type ImportOptions,
  type ImportResult,
  type MaskSource,
  startsToGaps,
} from "./import.ts";
export { readMaskPng } from "./mask_png.ts";
export { epochOrder } from "./order.ts";
export { prepare, type PrepareOptions, type PrepareProgress } from "./prepare.ts";
export { type Label, Prepared } from "./prepared.ts";
export { decodeRle, encodeRle, rleArea, uniteRles } from "./rle.ts";
export { readRleTable, type RleRow } from "./rle_table.ts";
export {
  type FilmShape,
  filmToSquare,
  maskFromSquare,
  maskToSquare,
  placeInSquare,
  type Placement,
} from "./square.ts";
