/** Random changes of the training films, as tensor operations inside the training step. */
export {
  type Augmentation,
  augmentation,
  type AugmentationOptions,
  type ImagesAndMasks,
} from "./augment.ts";
export { type AugmentedFilm, previewAugmentation } from "./preview.ts";
export { type Range } from "./random_draws.ts";
export { identityGrid, sampleBilinear, sampleNearest, type SamplingGrid } from "./sampling_grid.ts";
