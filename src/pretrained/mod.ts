/** Encoder weights that others have trained: read, checked, kept, and loaded into a model. */
export { type Source } from "./convert.ts";
export {
  type ConvertedFile,
  convertFile,
  loadPretrained,
  type PretrainedFile,
} from "./encoder_file.ts";
export { PretrainedError } from "./pretrained_error.ts";
