import type { Weights } from "../weights.ts";
import {
  EfficientNet,
  type EfficientNetName,
  type EfficientNetOptions,
  EFFICIENTNETS,
} from "./efficientnet.ts";
import type { Encoder } from "./encoder.ts";
import { ResNet, type ResNetName, RESNETS } from "./resnet.ts";

/** The name of an encoder. */
export type EncoderName = EfficientNetName | ResNetName;

/** The names of all encoders. */
export const ENCODERS: readonly EncoderName[] = [...EFFICIENTNETS, ...RESNETS];

/** Settings of an encoder that do not follow from its name. ResNets have no stochastic depth. */
export type EncoderOptions = EfficientNetOptions;

/** Whether this is the name of an EfficientNet. */
export function isEfficientNet(name: EncoderName): name is EfficientNetName {
  return (EFFICIENTNETS as string[]).includes(name);
}

/**
 * Builds an encoder by its name.
 *
 * @param weights Gets the encoder's weights, with their starting values.
 * @throws {RangeError} If there is no encoder of that name.
 */
export function createEncoder(
  weights: Weights,
  name: EncoderName,
  options: EncoderOptions,
): Encoder {
  if (!ENCODERS.includes(name)) {
    throw new RangeError(
      `Cannot build a model as the encoder must be one of ${ENCODERS.join(", ")}: ${name}`,
    );
  }
  return isEfficientNet(name)
    ? new EfficientNet(weights, name, options)
    : new ResNet(weights, name, options);
}
