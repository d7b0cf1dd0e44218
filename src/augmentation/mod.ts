/** Random changes of the training films, as tensor operations inside the training step. */
export {
  type Augmentation,
  augmentation,
  type AugmentationOptions,
  type ImagesAndMasks,
} from "./augment.ts";
export { clahe, type ClaheOptions } from "./clahe.ts";
export { elastic, type ElasticOptions, latticeWeights } from "./elastic.ts";
export { crop, type GeometricTransform, horizontalFlip } from "./geometric.ts";
export { gridDistortion, type GridDistortionOptions } from "./grid_distortion.ts";
export { opticalDistortion, type OpticalDistortionOptions } from "./optical_distortion.ts";
export { type AugmentedFilm, type NamedFilm, previewAugmentation, previewEach } from "./preview.ts";
export { type Range } from "./random_draws.ts";
export { identityGrid, sampleBilinear, sampleNearest, type SamplingGrid } from "./sampling_grid.ts";
