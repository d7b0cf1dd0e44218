/**
 * Kernels of TensorFlow that TensorFlow.js computes from several smaller ones, or not at all: one
 * fused operation forward and one backward save time and memory.
 */
export { leakyRelu, swish } from "./activations.ts";
export {
  biasAdd,
  conv2d,
  depthwiseConv2d,
  doublingConv2d,
  paddedConv2d,
  scaledConv2d,
} from "./convolutions.ts";
export { dropJoined, type Kept } from "./dropout.ts";
export { isNarrow, pairColumns, pairedKernel } from "./narrow_convolution.ts";
export {
  batchNormFrozenGradient,
  batchNormInference,
  batchNormTraining,
  groupNorm,
} from "./normalizations.ts";
export { withSpatialMean } from "./spatial_mean.ts";
