/** The encoders, and what a decoder may rely on. */
export {
  createEncoder,
  type EncoderName,
  type EncoderOptions,
  ENCODERS,
  isEfficientNet,
} from "./create_encoder.ts";
export {
  EfficientNet,
  type EfficientNetName,
  type EfficientNetOptions,
  EFFICIENTNETS,
} from "./efficientnet.ts";
export type { Encoder, FeatureMap } from "./encoder.ts";
export { ResNet, type ResNetName, RESNETS } from "./resnet.ts";
export { UnetEncoder, type UnetEncoderOptions } from "./unet.ts";
