/** The layers that encoders and decoders are made of. */
export { BatchNorm } from "./batch_norm.ts";
export { Conv2D, type ConvolutionOptions, DepthwiseConv2D, UpConv2D } from "./convolution.ts";
export { dropout, stochasticDepth } from "./dropout.ts";
export { leakyRelu, swish } from "./kernels.ts";
