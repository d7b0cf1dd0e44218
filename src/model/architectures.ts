import {
  type Decoder,
  type DecoderOptions,
  DeepLabV3Plus,
  EncoderUnet,
  SimplifiedUnetPlusPlus,
  UnetDecoder,
  UnetPlusPlus,
} from "./decoders/mod.ts";
import { type Encoder, UnetEncoder } from "./encoders/mod.ts";
import type { Weights } from "./weights.ts";

/** How a network is built. */
export interface Architecture {
  /** Builds the encoder, where the architecture has one of its own. */
  encoder?(weights: Weights, options: DecoderOptions): Encoder;
  /** Builds what follows the encoder. */
  decoder(weights: Weights, encoder: Encoder, options: DecoderOptions): Decoder;
}

/** The name of an architecture. */
export type ArchitectureName =
  | "unet"
  | "encoder-unet"
  | "unet++"
  | "simplified-unet++"
  | "deeplabv3+";

/** How each architecture is built. */
export const BUILDERS: Readonly<Record<ArchitectureName, Architecture>> = {
  "unet": {
    encoder: (...parts) => new UnetEncoder(...parts),
    decoder: (...parts) => new UnetDecoder(...parts),
  },
  "encoder-unet": { decoder: (...parts) => new EncoderUnet(...parts) },
  "unet++": { decoder: (...parts) => new UnetPlusPlus(...parts) },
  "simplified-unet++": { decoder: (...parts) => new SimplifiedUnetPlusPlus(...parts) },
  "deeplabv3+": { decoder: (...parts) => new DeepLabV3Plus(...parts) },
};

/** The architectures by name. */
export const ARCHITECTURES = Object.keys(BUILDERS) as ArchitectureName[];
