/** The layers that encoders and decoders are made of. */
export { BatchNorm } from "./batch_norm.ts";
export { ConvBlock, type ConvBlockOptions } from "./conv_block.ts";
export { Conv2D, type ConvolutionOptions, DepthwiseConv2D, UpConv2D } from "./convolution.ts";
export { DilatedConv2D, dilatedConv2d } from "./dilated_convolution.ts";
export { dropout, stochasticDepth } from "./dropout.ts";
export { leakyRelu, swish } from "./kernels.ts";
export { resizeBilinear } from "./resize.ts";
