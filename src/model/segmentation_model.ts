import { tf } from "@/tensorflow/mod.ts";
import { SimplifiedUnetPlusPlus } from "./decoders/simplified_unet_plus_plus.ts";
import {
  EfficientNet,
  type EfficientNetName,
  EFFICIENTNETS,
  type Encoder,
} from "./encoders/mod.ts";
import type { Forward } from "./forward.ts";
import { type NormalizationName, NORMALIZATIONS } from "./layers/mod.ts";
import type { ModelGraph } from "./model_graph.ts";
import { Weights } from "./weights.ts";

/** The architectures by name. */
export const ARCHITECTURES = ["simplified-unet++"] as const;

/** What a model is made of. */
export interface ModelOptions {
  architecture: (typeof ARCHITECTURES)[number];
  encoder: EfficientNetName;
  /** Filters of the decoder's finest level. Default: 8. */
  startFilters?: number;
  /** Dropout rate of the decoder's coarse levels, in `[0, 1)`. Default: 0.5. */
  dropout?: number;
  /** Rate of stochastic depth in the encoder, in `[0, 1)`. Default: 0.2. */
  dropConnect?: number;
  /** Share of BatchNorm's old statistics that a step keeps, in `[0, 1)`. Default: 0.99. */
  batchNormMomentum?: number;
  /**
   * Normalization of the decoder. "frozen-batch" keeps the encoder's statistics and scale too: there its
   * weights must come from a model that has been trained. Default: "batch".
   */
  normalization?: NormalizationName;
  /**
   * Whether the backward pass computes the inside of blocks again instead of keeping it: less memory,
   * more time, the same gradients. Default: false.
   */
  gradientCheckpointing?: boolean;
  /** Of the starting weights. Default: 0. */
  seed?: number;
}

/** Heights and widths must be multiples of this: the encoder halves five times. */
export const SIZE_MULTIPLE = 32;

/** A network from images to logits of the mask. */
export interface SegmentationModel {
  readonly options: Readonly<Required<ModelOptions>>;
  readonly weights: Weights;
  readonly encoder: Encoder;
  /** The network as nodes and edges, for a diagram. */
  readonly graph: ModelGraph;
  /**
   * @param images `[batch, height, width, 3]`, normalised; height and width multiples of 32.
   * @returns Logits `[batch, height, width, 1]`: their sigmoid is the probability of pneumothorax.
   * @throws {RangeError} If the images have another shape.
   */
  apply(images: tf.Tensor4D, forward: Forward): tf.Tensor4D;
  /** Frees the weights. */
  dispose(): void;
}

/**
 * Builds a model with starting weights.
 *
 * @throws {RangeError} If an option is unknown or out of its range.
 */
export function createModel(options: ModelOptions): SegmentationModel {
  const full = {
    startFilters: 8,
    dropout: 0.5,
    dropConnect: 0.2,
    batchNormMomentum: 0.99,
    normalization: "batch" as const,
    gradientCheckpointing: false,
    seed: 0,
    ...options,
  };
  checkOptions(full);
  const weights = new Weights(full.seed);
  // Pretrained encoders have BatchNorm: groups are for the decoder alone.
  const isFrozen = full.normalization === "frozen-batch";
  const encoder = new EfficientNet(weights, full.encoder, {
    ...full,
    normalization: isFrozen ? "frozen-batch" : "batch",
  });
  const decoder = new SimplifiedUnetPlusPlus(weights, encoder, full);
  return {
    options: full,
    weights,
    encoder,
    graph: decoder.graph,
    apply(images, forward) {
      checkImages(images);
      return tf.tidy(() => decoder.apply(encoder.apply(images, forward), forward));
    },
    dispose: () => weights.dispose(),
  };
}

function checkOptions(options: Required<ModelOptions>): void {
  const { architecture, encoder, startFilters, normalization } = options;
  const refuse = (what: string, value: unknown, allowed: string) => {
    throw new RangeError(`Cannot build a model as ${what} must be ${allowed}: ${value}`);
  };
  if (!ARCHITECTURES.includes(architecture)) {
    refuse("the architecture", architecture, `one of ${ARCHITECTURES.join(", ")}`);
  }
  if (!EFFICIENTNETS.includes(encoder)) {
    refuse("the encoder", encoder, `one of ${EFFICIENTNETS.join(", ")}`);
  }
  if (!NORMALIZATIONS.includes(normalization)) {
    refuse("normalization", normalization, `one of ${NORMALIZATIONS.join(", ")}`);
  }
  if (!(Number.isInteger(startFilters) && startFilters > 0)) {
    refuse("startFilters", startFilters, "a positive integer");
  }
  for (const name of ["dropout", "dropConnect", "batchNormMomentum"] as const) {
    if (!(options[name] >= 0 && options[name] < 1)) refuse(name, options[name], "in [0, 1)");
  }
}

function checkImages({ shape }: tf.Tensor4D): void {
  const [, height = 0, width = 0, channels] = shape;
  const isMultiple = (length: number) => length > 0 && length % SIZE_MULTIPLE === 0;
  if (shape.length === 4 && channels === 3 && isMultiple(height) && isMultiple(width)) return;
  throw new RangeError(
    `Cannot apply the model as images must be [batch, height, width, 3] with height and width ` +
      `multiples of ${SIZE_MULTIPLE}: [${shape.join(", ")}]`,
  );
}
