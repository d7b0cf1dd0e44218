import { type StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { clahe, type ClaheOptions } from "./clahe.ts";
import { elastic, type ElasticOptions } from "./elastic.ts";
import { crop, type GeometricTransform, horizontalFlip } from "./geometric.ts";
import { gridDistortion, type GridDistortionOptions } from "./grid_distortion.ts";
import { opticalDistortion, type OpticalDistortionOptions } from "./optical_distortion.ts";
import { brightness, contrast, gamma, type PhotometricTransform } from "./photometric.ts";
import type { Range } from "./random_draws.ts";
import { identityGrid, sampleBilinear, sampleNearest } from "./sampling_grid.ts";

/** What is changed, how often and how much; what is left out is not done. */
export interface AugmentationOptions {
  horizontalFlip?: { probability: number };
  crop?: { probability: number; zoom: Range };
  clahe?: ClaheOptions;
  contrast?: { probability: number; range: Range };
  brightness?: { probability: number; range: Range };
  gamma?: { probability: number; range: Range };
  elastic?: ElasticOptions;
  gridDistortion?: GridDistortionOptions;
  opticalDistortion?: OpticalDistortionOptions;
}

/** Images and the masks that belong to them, each `[batch, height, width, 1]`. */
export interface ImagesAndMasks {
  /** Grey values in 0 to 1. */
  images: tf.Tensor4D;
  /** 0 or 1. */
  masks: tf.Tensor4D;
}

/** Changes a batch at random; the same seed changes it in the same way. */
export type Augmentation = (batch: ImagesAndMasks, random: StatelessRandom) => ImagesAndMasks;

/**
 * Composes an augmentation: geometric transforms move images and masks together through one sampling
 * grid, photometric ones then change the images. It consists of tensor operations alone, so that it
 * can be part of a traced training step.
 */
export function augmentation(options: AugmentationOptions): Augmentation {
  // From the changed image back to the film: what stands here last is done to the film first.
  const geometric: GeometricTransform[] = [
    ...(options.elastic ? [elastic(options.elastic)] : []),
    ...(options.gridDistortion ? [gridDistortion(options.gridDistortion)] : []),
    ...(options.opticalDistortion ? [opticalDistortion(options.opticalDistortion)] : []),
    ...(options.crop ? [crop(options.crop)] : []),
    ...(options.horizontalFlip ? [horizontalFlip(options.horizontalFlip)] : []),
  ];
  const photometric: PhotometricTransform[] = [
    // First: it spreads the film's own grey values, and would take back what the others did to them.
    ...(options.clahe ? [clahe(options.clahe)] : []),
    ...(options.contrast ? [contrast(options.contrast)] : []),
    ...(options.brightness ? [brightness(options.brightness)] : []),
    ...(options.gamma ? [gamma(options.gamma)] : []),
  ];
  return ({ images, masks }, random) => {
    if (!tf.util.arraysEqual(images.shape, masks.shape)) {
      throw new RangeError(
        `Cannot augment a batch as images and masks differ in shape: [${images.shape}] and ` +
          `[${masks.shape}]`,
      );
    }
    return tf.tidy(() => {
      let moved = { images, masks };
      if (geometric.length > 0) {
        const [batch, height, width] = images.shape;
        const grid = geometric.reduce(
          (grid, transform) => transform(grid, random),
          identityGrid(batch, height, width),
        );
        moved = { images: sampleBilinear(images, grid), masks: sampleNearest(masks, grid) };
      }
      const changed = photometric.reduce(
        (images, transform) => transform(images, random),
        moved.images,
      );
      return { images: changed, masks: moved.masks };
    });
  };
}
