/** The layers that encoders and decoders are made of. */
export { BatchNorm } from "./batch_norm.ts";
export { checkpointed, type Part } from "./checkpointed.ts";
export { Conv2D, type ConvolutionOptions, DepthwiseConv2D, UpConv2D } from "./convolution.ts";
export { dropout, stochasticDepth } from "./dropout.ts";
export { FrozenBatchNorm } from "./frozen_batch_norm.ts";
export { GroupNorm } from "./group_norm.ts";
export { leakyRelu, swish } from "./kernels.ts";
export {
  createNormalization,
  type Normalization,
  type NormalizationName,
  type NormalizationOptions,
  NORMALIZATIONS,
} from "./normalization.ts";
