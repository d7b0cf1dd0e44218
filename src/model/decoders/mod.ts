/** The decoders, and what they have in common. */
export type { Decoder, DecoderOptions } from "./decoder.ts";
export { DeepLabV3Plus } from "./deeplab_v3_plus.ts";
export { EncoderUnet } from "./encoder_unet.ts";
export { SimplifiedUnetPlusPlus } from "./simplified_unet_plus_plus.ts";
export { UnetDecoder } from "./unet.ts";
export { UnetPlusPlus } from "./unet_plus_plus.ts";
