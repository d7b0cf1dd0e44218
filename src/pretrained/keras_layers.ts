import h5wasm, { Dataset, File, Group } from "h5wasm";
import type { StoredTensor } from "@/files/mod.ts";

/** What the layers with so many variables call them, in their order, in `.weights.h5` files. */
const VARIABLES: Record<number, string[]> = {
  1: ["kernel"],
  2: ["kernel", "bias"],
  4: ["gamma", "beta", "moving_mean", "moving_variance"],
};

/** In one tensor; the largest encoder has 7 million in one, and 64 million in all. */
const MOST_NUMBERS = 2 ** 27;

/**
 * Reads the layers' weights of an HDF5 file, see `readKerasFile`. On some damaged files the library
 * never ends.
 *
 * @throws {Error} If the file is damaged, or none that Keras writes; the message is the reason alone.
 */
export async function readKerasLayers(bytes: Uint8Array): Promise<Map<string, StoredTensor>> {
  const module = await h5wasm.ready;
  // Instead of text on stderr.
  module.activate_throwing_error_handler();
  const files = module.FS;
  const inside = `/${crypto.randomUUID()}.h5`;
  files.writeFile(inside, bytes);
  try {
    const file = new File(inside, "r");
    try {
      return readLayers(file);
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof LayoutError) throw error;
    throw new Error(`it is damaged: ${reasonOf(error)}`, { cause: error });
  } finally {
    files.unlink(inside);
  }
}

/** Why a readable HDF5 file is none that Keras writes. */
class LayoutError extends Error {}

function readLayers(file: Group): Map<string, StoredTensor> {
  const layers = file.get("layers");
  if (layers instanceof Group) return readKeras3(layers);
  const nested = file.get("model_weights");
  const root = nested instanceof Group ? nested : file;
  if ("layer_names" in root.attrs) return readKeras2(root);
  throw new LayoutError("it has neither the layers of a Keras 3 file nor those of an older one");
}

/** `layers/conv2d_1/vars/0`, where an attribute of `vars` has the layer's name. */
function readKeras3(layers: Group): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const key of layers.keys()) {
    const group = layers.get(key);
    const variables = group instanceof Group ? group.get("vars") : null;
    if (!(variables instanceof Group)) continue;
    const numbers = variables.keys();
    if (numbers.length === 0) continue;
    const layer = variables.attrs.name?.value;
    if (typeof layer !== "string") {
      throw new LayoutError(
        `its layers have no names (${key}). Load it in Keras 3.5 or later and save it again`,
      );
    }
    const names = VARIABLES[numbers.length];
    for (const number of numbers) {
      // Layers that no encoder has (the input's normalization) are told by their names alone.
      const variable = names?.[Number(number)] ?? number;
      const dataset = variables.get(number);
      if (dataset instanceof Dataset) tensors.set(`${layer}/${variable}`, read(dataset));
    }
  }
  return tensors;
}

/** `stem_conv/stem_conv/kernel:0`, where the attribute `weight_names` of the first has the rest. */
function readKeras2(root: Group): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const layer of textsOf(root, "layer_names")) {
    const group = root.get(layer);
    if (!(group instanceof Group)) throw new LayoutError(`it lacks the layer ${layer}`);
    for (const weight of textsOf(group, "weight_names")) {
      const dataset = group.get(weight);
      if (!(dataset instanceof Dataset)) throw new LayoutError(`it lacks ${layer}/${weight}`);
      const variable = weight.split("/").at(-1)!.replace(/:0$/, "");
      const name = variable === "depthwise_kernel" ? "kernel" : variable;
      tensors.set(`${layer}/${name}`, read(dataset));
    }
  }
  return tensors;
}

/** The texts of an attribute; Keras splits long lists over `name0`, `name1`, ... */
function textsOf(group: Group, name: string): string[] {
  const { attrs } = group;
  const parts = name in attrs
    ? [name]
    : Array.from({ length: Object.keys(attrs).length }, (_, i) => `${name}${i}`)
      .filter((part) => part in attrs);
  return parts.flatMap((part) => {
    const value = attrs[part]!.value;
    return Array.isArray(value) ? value.filter((text) => typeof text === "string") : [];
  });
}

/**
 * What is no float (a step counter) comes as no numbers: no encoder has use for it.
 *
 * @throws {LayoutError} If its header asks for more numbers than any encoder's tensor has: a small file
 * can do so, as parts that were never written count as zeros.
 */
function read(dataset: Dataset): StoredTensor {
  const shape = dataset.shape ?? [];
  const count = shape.reduce((product, length) => product * length, 1);
  if (count > MOST_NUMBERS) {
    throw new LayoutError(`${dataset.path} asks for ${count} numbers, more than ${MOST_NUMBERS}`);
  }
  const { value } = dataset;
  if (value instanceof Float32Array) return { shape, data: value };
  if (value instanceof Float64Array) return { shape, data: Float32Array.from(value) };
  return { shape, data: new Int32Array(0) };
}

/** What the library says of the innermost function that failed, or the message's first line. */
function reasonOf(error: unknown): string {
  const message = String((error as Error)?.message ?? error).trim();
  const reasons = [...message.matchAll(/#\d+: .*\(\): (.+)/g)];
  return reasons.at(-1)?.[1] ?? message.split("\n")[0]!;
}
