import { tf } from "@/tensorflow/mod.ts";
import { type ArchitectureName, ARCHITECTURES, BUILDERS } from "./architectures.ts";
import { createEncoder, type Encoder, type EncoderName, ENCODERS } from "./encoders/mod.ts";
import type { Forward } from "./forward.ts";
import { type NormalizationName, NORMALIZATIONS } from "./layers/mod.ts";
import type { ModelGraph } from "./model_graph.ts";
import { Weights } from "./weights.ts";

/** What a model is made of. */
export interface ModelOptions {
  architecture: ArchitectureName;
  /** The architecture "unet" has an encoder of its own and takes no notice of this one. */
  encoder: EncoderName;
  /** Filters of the decoder's finest level. Default: 8. */
  startFilters?: number;
  /** Whether "unet++" has an output for each of its depths. Default: false. */
  deepSupervision?: boolean;
  /** Dropout rate of the decoder's coarse levels, in `[0, 1)`. Default: 0.5. */
  dropout?: number;
  /** Probability of pneumothorax that the network starts with at every pixel, in `(0, 1)`. Default: 0.01. */
  prior?: number;
  /** Rate of stochastic depth in an EfficientNet, in `[0, 1)`. Default: 0.2. */
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
  /**
   * The outputs that training compares with the mask one by one: several with deep supervision, else
   * one. {@linkcode combineOutputs} makes of them what {@linkcode apply} returns.
   *
   * @param images As for {@linkcode apply}.
   * @returns Logits, `[batch, height, width, 1]` each.
   * @throws {RangeError} If the images have another shape.
   */
  outputs(images: tf.Tensor4D, forward: Forward): tf.Tensor4D[];
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
    deepSupervision: false,
    dropout: 0.5,
    prior: 0.01,
    dropConnect: 0.2,
    batchNormMomentum: 0.99,
    normalization: "batch" as const,
    gradientCheckpointing: false,
    seed: 0,
    ...options,
  };
  checkOptions(full);
  const weights = new Weights(full.seed);
  const { encoder: ownEncoder, decoder: newDecoder } = BUILDERS[full.architecture];
  // Pretrained encoders have BatchNorm: groups are for the decoder alone.
  const encoder = ownEncoder?.(weights, full) ?? createEncoder(weights, full.encoder, {
    ...full,
    normalization: full.normalization === "frozen-batch" ? "frozen-batch" : "batch",
  });
  const decoder = newDecoder(weights, encoder, full);
  const outputs = (images: tf.Tensor4D, forward: Forward): tf.Tensor4D[] => {
    checkImages(images);
    return tf.tidy(() => decoder.outputs(encoder.apply(images, forward), forward));
  };
  return {
    options: full,
    weights,
    encoder,
    graph: decoder.graph,
    apply: (images, forward) => tf.tidy(() => combineOutputs(outputs(images, forward))),
    outputs,
    dispose: () => weights.dispose(),
  };
}

/** The logits that a model's outputs stand for together: their mean. // [batch, height, width, 1] */
export function combineOutputs(outputs: readonly tf.Tensor4D[]): tf.Tensor4D {
  if (outputs.length === 1) return outputs[0]!;
  return tf.tidy(() => tf.div(tf.addN([...outputs]), outputs.length));
}

function checkOptions(options: Required<ModelOptions>): void {
  const { architecture, encoder, startFilters, deepSupervision, normalization } = options;
  const refuse = (what: string, value: unknown, allowed: string) => {
    throw new RangeError(`Cannot build a model as ${what} must be ${allowed}: ${value}`);
  };
  if (!ARCHITECTURES.includes(architecture)) {
    refuse("the architecture", architecture, `one of ${ARCHITECTURES.join(", ")}`);
  }
  if (deepSupervision && architecture !== "unet++") {
    refuse("deepSupervision", deepSupervision, `false for ${architecture}: only unet++ has it`);
  }
  if (!ENCODERS.includes(encoder)) {
    refuse("the encoder", encoder, `one of ${ENCODERS.join(", ")}`);
  }
  if (!NORMALIZATIONS.includes(normalization)) {
    refuse("normalization", normalization, `one of ${NORMALIZATIONS.join(", ")}`);
  }
  if (!(Number.isInteger(startFilters) && startFilters > 0)) {
    refuse("startFilters", startFilters, "a positive integer");
  }
  if (!(options.prior > 0 && options.prior < 1)) refuse("prior", options.prior, "in (0, 1)");
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
