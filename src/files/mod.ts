/** Durable files: written aside, synced and renamed, so that a name always holds a whole file. */
export { writeFileAtomic } from "./atomic.ts";
export { exists } from "./exists.ts";
export { readFileUpTo, readTextUpTo } from "./limited.ts";
export { sha256, sha256File } from "./hash.ts";
export {
  decodeSafetensors,
  encodeSafetensors,
  type Safetensors,
  SafetensorsError,
  type StoredTensor,
} from "./safetensors.ts";
