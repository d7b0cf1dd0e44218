/** The layers that encoders and decoders are made of. */
export { activate, type Activation, RELU, SWISH } from "./activation.ts";
export { BatchNorm } from "./batch_norm.ts";
export { checkpointed, type Part } from "./checkpointed.ts";
export { composedUpConvolution } from "./composed_up_convolution.ts";
export { ConvBatchNorm } from "./conv_batch_norm.ts";
export { ConvBlock, type ConvBlockOptions } from "./conv_block.ts";
export { Conv2D, type ConvolutionOptions, DepthwiseConv2D, UpConv2D } from "./convolution.ts";
export { DilatedConv2D, dilatedConv2d } from "./dilated_convolution.ts";
export { dropout, join, type Maps, stochasticDepth } from "./dropout.ts";
export { FrozenBatchNorm } from "./frozen_batch_norm.ts";
export { fusedConvolution, type Geometry } from "./fused_convolution.ts";
export { GroupNorm } from "./group_norm.ts";
export { leakyRelu, paddedConv2d, swish } from "./kernels/mod.ts";
export {
  createNormalization,
  type Normalization,
  type NormalizationName,
  type NormalizationOptions,
  NORMALIZATIONS,
} from "./normalization.ts";
export { normalized } from "./normalized.ts";
export { canFuse, type Epilogue } from "./onednn_convolution.ts";
export { resizeBilinear } from "./resize.ts";
export { SqueezeExcitation } from "./squeeze_excitation.ts";
export { UpPaths } from "./up_paths.ts";
