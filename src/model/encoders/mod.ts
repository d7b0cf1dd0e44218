/** The encoders, and what a decoder may rely on. */
export {
  EfficientNet,
  type EfficientNetName,
  type EfficientNetOptions,
  EFFICIENTNETS,
} from "./efficientnet.ts";
export type { Encoder, FeatureMap } from "./encoder.ts";
export { UnetEncoder, type UnetEncoderOptions } from "./unet.ts";
