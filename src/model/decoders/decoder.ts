import type { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import type { NormalizationOptions } from "../layers/mod.ts";
import type { ModelGraph } from "../model_graph.ts";

/** Settings of a decoder. */
export interface DecoderOptions extends NormalizationOptions {
  /** Filters at full size; a map of stride s has s times as many. Report: 8. */
  startFilters: number;
  /** Dropout rate of the coarse levels, in `[0, 1)`; half of it precedes the output. Report: 0.5. */
  dropout: number;
  /** Probability of pneumothorax that the output starts with at every pixel, in `(0, 1)`. */
  prior: number;
  /** Whether U-Net++ has an output for each of its depths. */
  deepSupervision: boolean;
  /** Whether the backward pass computes blocks again instead of keeping what is inside. Default: no. */
  gradientCheckpointing?: boolean;
}

/** A network from an encoder's feature maps to logits of the mask. */
export interface Decoder {
  /** Encoder and decoder as nodes and edges, for a diagram. */
  readonly graph: ModelGraph;
  /**
   * @param features What the encoder's `apply` returned.
   * @returns Logits `[batch, height, width, 1]`: one tensor, or several with deep supervision, of which
   * a training step compares each with the mask.
   */
  outputs(features: readonly tf.Tensor4D[], forward: Forward): tf.Tensor4D[];
}

/** The report's dropout rate at the fine levels, whatever the rate of the others. */
const FINE_DROPOUT = 0.1;
/** The finest stride at which a level counts as coarse: the two deepest levels of a decoder. */
const COARSE_STRIDE = 8;

/** The report's dropout rate of a level: the one that is set at the two deepest, else 0.1. */
export function dropoutAt(stride: number, { dropout }: DecoderOptions): number {
  return stride >= COARSE_STRIDE ? dropout : FINE_DROPOUT;
}

/**
 * The bias that an output starts with: the logit of the prior (Lin et al. 2017, "Focal Loss for Dense
 * Object Detection", section 4.1). Few pixels are positive; without it the first hundreds of steps go
 * into learning just that.
 */
export function outputBias({ prior }: DecoderOptions): number {
  return Math.log(prior / (1 - prior));
}
