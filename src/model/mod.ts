/** Encoders, decoders and the models made of them. */
export { type ArchitectureName, ARCHITECTURES } from "./architectures.ts";
export type { Decoder, DecoderOptions } from "./decoders/mod.ts";
export {
  createEncoder,
  EfficientNet,
  type EfficientNetName,
  EFFICIENTNETS,
  type Encoder,
  type EncoderName,
  type EncoderOptions,
  ENCODERS,
  type FeatureMap,
  isEfficientNet,
  ResNet,
  type ResNetName,
  RESNETS,
} from "./encoders/mod.ts";
export { type FeatureMapPicture, featureMaps } from "./feature_maps.ts";
export { type AcrossWorkers, type Forward, INFERENCE } from "./forward.ts";
export { COLOUR_DEVIATION, COLOUR_MEAN, normalizeImages } from "./input.ts";
export type { GraphEdge, GraphNode, ModelGraph } from "./model_graph.ts";
export {
  combineOutputs,
  createModel,
  type ModelOptions,
  type SegmentationModel,
  SIZE_MULTIPLE,
} from "./segmentation_model.ts";
export { type Initializer, type Weight, Weights, WeightsMismatchError } from "./weights.ts";
