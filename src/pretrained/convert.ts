import { basename } from "node:path";
import { decodeSafetensors, SafetensorsError, type StoredTensor } from "@/files/mod.ts";
import {
  COLOUR_DEVIATION,
  type EncoderName,
  isEfficientNet,
  type Weight,
  type Weights,
} from "@/model/mod.ts";
import { tf } from "@/tensorflow/mod.ts";
import { isHdf5, readKerasFile } from "./keras_file.ts";
import { describeNames, PretrainedError } from "./pretrained_error.ts";
import { isTimmRest, timmName } from "./timm_names.ts";

/** Whose names and layouts a file has. */
export type Source = "keras" | "timm";

/** Weights of an encoder, under our names. */
export interface Converted {
  source: Source;
  tensors: Map<string, StoredTensor>;
}

/** Where one of our weights stands in the file, and what makes it ours. */
interface Place {
  name: string;
  shape: number[];
  convert: (data: Float32Array) => Float32Array;
}

/**
 * Finds an encoder's weights in the file of a network that was trained elsewhere.
 *
 * @param bytes Keras's `.h5` or `.weights.h5`, or `.safetensors` with the names of timm.
 * @param path The file's name, for messages.
 * @param weights The encoder's own: their names and shapes are wanted.
 * @throws {PretrainedError} If the file is damaged, or of a kind that the encoder has no use for, or its
 * names or shapes are not the encoder's, or a number in it is no finite float; the message lists them.
 */
export async function convertPretrained(
  bytes: Uint8Array,
  path: string,
  encoder: EncoderName,
  weights: Weights,
): Promise<Converted> {
  const file = basename(path);
  const source: Source = isHdf5(bytes) ? "keras" : "timm";
  checkSource(source, encoder, file);
  const found = source === "keras"
    ? foldBiases(await readKerasFile(bytes, file), encoder)
    : readTimm(bytes, file, encoder, weights);
  const isRest = (name: string) =>
    source === "keras" ? isKerasRest(encoder, name) : isTimmRest(encoder, name);
  const place = (weight: Weight) =>
    source === "keras" ? inKeras(encoder, weight) : inTimm(encoder, weight);

  const tensors = new Map<string, StoredTensor>();
  const missing: string[] = [], misshapen: string[] = [], infinite: string[] = [];
  const used = new Set<string>();
  for (const weight of weights.all) {
    const { name, shape, convert } = place(weight);
    const tensor = found.get(name);
    used.add(name);
    if (!tensor) missing.push(name);
    else if (!tf.util.arraysEqual(tensor.shape, shape)) {
      misshapen.push(`${name} is [${tensor.shape.join(", ")}] instead of [${shape.join(", ")}]`);
    } else if (!(tensor.data instanceof Float32Array) || !tensor.data.every(Number.isFinite)) {
      infinite.push(name);
    } else {
      tensors.set(weight.name, { shape: weight.variable.shape, data: convert(tensor.data) });
    }
  }
  const unexpected = [...found.keys()].filter((name) => !used.has(name) && !isRest(name));
  const problems = [
    ...describeNames("missing", missing),
    ...describeNames("unexpected", unexpected),
    ...describeNames("misshapen", misshapen),
    ...describeNames("with other than finite floats", infinite),
  ];
  if (problems.length > 0) {
    throw new PretrainedError(
      `Cannot use ${file} as its weights are not those of ${encoder}: ${problems.join("; ")}`,
    );
  }
  return { source, tensors };
}

function checkSource(source: Source, encoder: EncoderName, file: string): void {
  const refuse = (why: string) => {
    throw new PretrainedError(`Cannot use ${file} as ${why}`);
  };
  if (isEfficientNet(encoder)) return;
  if (source === "keras" && encoder !== "resnet50-v1") {
    refuse(
      `${encoder} is defined as timm has it, and this is Keras's file. Keras's ResNet50 is the ` +
        `encoder resnet50-v1`,
    );
  }
  if (source === "timm" && encoder === "resnet50-v1") {
    refuse(`resnet50-v1 is Keras's, and this is no HDF5 file. The one of timm is resnet50`);
  }
}

function readTimm(bytes: Uint8Array, file: string, encoder: EncoderName, weights: Weights) {
  const wanted = new Set(weights.all.map(({ name }) => timmName(encoder, name)));
  const skip = (name: string) => !wanted.has(name) && isTimmRest(encoder, name);
  try {
    const { metadata } = decodeSafetensors(bytes, file, { skip: () => true });
    if (metadata.encoder !== undefined) {
      throw new PretrainedError(`Cannot convert ${file} as it is converted already`);
    }
    return decodeSafetensors(bytes, file, { skip }).tensors;
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    throw new PretrainedError(
      `${error.message}. Give Keras's .h5 or .weights.h5, or timm's .safetensors`,
      { cause: error },
    );
  }
}

/** A weight in timm's file: kernels are `[out, in, height, width]` there. */
function inTimm(encoder: EncoderName, { name, variable: { shape } }: Weight): Place {
  const place = { name: timmName(encoder, name), shape, convert: (data: Float32Array) => data };
  if (shape.length !== 4) return place;
  const [height, width, input, output] = shape as [number, number, number, number];
  const isDepthwise = name.endsWith("_dwconv/kernel");
  const stored: [number, number, number, number] = isDepthwise
    ? [input, 1, height, width]
    : [output, input, height, width];
  const order = isDepthwise ? [2, 3, 0, 1] : [2, 3, 1, 0];
  return {
    ...place,
    shape: stored,
    convert: (data) => {
      const [tensor, kernel] = tf.tidy(() => {
        const tensor = tf.tensor(data, stored);
        return [tensor, tf.transpose(tensor, order)];
      });
      const values = kernel.dataSync() as Float32Array;
      tf.dispose([tensor, kernel]);
      return values;
    },
  };
}

/**
 * A weight in Keras's file: as ours, but for the first convolution of ResNet50. That was trained on blue,
 * green, red, in 0 to 255 less ImageNet's mean; ours gets red, green, blue, divided by the deviation
 * besides. (The means differ by at most half a grey level of 255, which is left as it is.)
 */
function inKeras(encoder: EncoderName, { name, variable: { shape } }: Weight): Place {
  const place = { name, shape, convert: (data: Float32Array) => data };
  if (encoder !== "resnet50-v1" || name !== "conv1_conv/kernel") return place;
  const [, , colours, filters] = shape as [number, number, number, number];
  return {
    ...place,
    convert: (data) =>
      Float32Array.from(data, (_, i) => {
        const colour = Math.floor(i / filters) % colours;
        const reversed = i + (colours - 1 - 2 * colour) * filters;
        return data[reversed]! * 255 * COLOUR_DEVIATION[colour]!;
      }),
  };
}

/** Takes the biases of Keras's ResNet50 into the means of the BatchNorm behind each convolution. */
function foldBiases(
  found: Map<string, StoredTensor>,
  encoder: EncoderName,
): Map<string, StoredTensor> {
  if (encoder !== "resnet50-v1") return found;
  const folded = new Map(found);
  for (const [name, { data: bias }] of found) {
    const mean = name.replace(/_conv\/bias$/, "_bn/moving_mean");
    const old = folded.get(mean);
    if (mean === name || old?.data.length !== bias.length) continue;
    folded.set(mean, { ...old, data: Float32Array.from(old.data, (m, i) => m - bias[i]!) });
    folded.delete(name);
  }
  return folded;
}

/** Whether Keras's network has the weight where our encoder has begun or ended. */
function isKerasRest(encoder: EncoderName, name: string): boolean {
  const rest = isEfficientNet(encoder)
    ? /^(normalization|block[67][a-z]_|top_|predictions)/
    : /^(conv5_block\d|predictions|probs)/;
  return rest.test(name);
}
