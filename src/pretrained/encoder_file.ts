import { basename } from "node:path";
import {
  decodeSafetensors,
  encodeSafetensors,
  type Safetensors,
  SafetensorsError,
  sha256,
  type StoredTensor,
  writeFileAtomic,
} from "@/files/mod.ts";
import {
  createEncoder,
  type Encoder,
  type EncoderName,
  type SegmentationModel,
  Weights,
  WeightsMismatchError,
} from "@/model/mod.ts";
import { tf } from "@/tensorflow/mod.ts";
import { convertPretrained, type Source } from "./convert.ts";
import { PretrainedError } from "./pretrained_error.ts";
import { deviatingMaps, parseReference, referenceForward } from "./reference.ts";

/** Which file of pretrained weights a model started from. */
export interface PretrainedFile {
  /** The file's name, without folders. */
  file: string;
  /** Of its content. */
  sha256: string;
}

/** What came of a conversion. */
export interface ConvertedFile extends PretrainedFile {
  source: Source;
  /** How many tensors were written, and how many numbers are in them. */
  tensors: number;
  numbers: number;
}

/**
 * Makes a file of encoder weights from that of a network that was trained elsewhere, see
 * {@linkcode convertPretrained}. It keeps what they make of a reference input, and the hashes of the
 * weights and of the file that they come from.
 *
 * @param input Keras's `.h5` or `.weights.h5`, or `.safetensors` with the names of timm.
 * @param output The file to write, whole or not at all; its folder is made.
 * @throws {PretrainedError} If the input is missing, damaged or no file of this encoder.
 */
export async function convertFile(
  input: string,
  encoder: EncoderName,
  output: string,
): Promise<ConvertedFile> {
  const bytes = await readBytes(input);
  return await withEncoder(encoder, async (weights, network) => {
    const { source, tensors } = await convertPretrained(bytes, input, encoder, weights);
    assign(weights, tensors);
    const reference = referenceForward(network);
    const finite = reference.every(({ rootMeanSquare }) => Number.isFinite(rootMeanSquare));
    if (!finite) {
      throw new PretrainedError(
        `Cannot use ${basename(input)} as its weights make numbers that are not finite`,
      );
    }
    const converted = encodeSafetensors({
      tensors,
      metadata: {
        encoder,
        source,
        sourceFile: basename(input),
        sourceSha256: sha256(bytes),
        weightsSha256: hashOf(tensors),
        reference: JSON.stringify(reference),
      },
    });
    await writeFileAtomic(output, converted);
    return {
      file: basename(output),
      sha256: sha256(converted),
      source,
      tensors: tensors.size,
      numbers: weights.parameterCount,
    };
  });
}

/**
 * Gives a model's encoder the weights of a file that {@linkcode convertFile} wrote, after it has made sure
 * that they still do what they did then. The model is not touched unless all is well.
 *
 * @throws {PretrainedError} If the file is missing or damaged, or is that of another encoder.
 */
export async function loadPretrained(
  model: SegmentationModel,
  path: string,
): Promise<PretrainedFile> {
  const { encoder } = model.options;
  const refuse = (why: string, cause?: unknown): never => {
    throw new PretrainedError(`Cannot load pretrained weights from ${path} as ${why}`, { cause });
  };
  const bytes = await readBytes(path);
  let file: Safetensors;
  try {
    file = decodeSafetensors(bytes, basename(path));
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    return refuse(`the file is damaged or was not made by "deno task weights": ${error.message}`);
  }
  const { tensors, metadata } = file;
  if (metadata.encoder === undefined || metadata.reference === undefined) {
    refuse(`it was not made by "deno task weights": convert it with that first`);
  }
  if (metadata.encoder !== encoder) {
    refuse(`they are those of ${metadata.encoder}, and the model's encoder is ${encoder}`);
  }
  const stored = parseReference(metadata.reference!);
  if (!stored) return refuse("what is kept of its reference input is damaged: make the file again");
  if (hashOf(tensors) !== metadata.weightsSha256) {
    refuse("the numbers in it are not those that were written: make the file again");
  }
  await withEncoder(encoder, (weights, network) => {
    try {
      assign(weights, tensors);
    } catch (error) {
      if (!(error instanceof WeightsMismatchError)) throw error;
      refuse(`they do not fit ${encoder}. ${error.message}`, error);
    }
    const deviating = deviatingMaps(referenceForward(network), stored);
    if (deviating.length > 0) {
      refuse(
        `${encoder} no longer makes of its reference input what it did when they were converted ` +
          `(${deviating.join(", ")}): make the file again`,
      );
    }
  });
  assign(model.weights, tensors, { partial: true });
  return { file: basename(path), sha256: sha256(bytes) };
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : (error as Error).message;
    throw new PretrainedError(
      `Cannot read pretrained weights from ${path} as ${why}. "deno task weights --help" tells how ` +
        `to make it`,
      { cause: error },
    );
  }
}

/** An encoder of its own, for as long as the function runs. */
async function withEncoder<T>(
  name: EncoderName,
  use: (weights: Weights, encoder: Encoder) => T | Promise<T>,
): Promise<T> {
  const weights = new Weights(0);
  try {
    const options = { batchNormMomentum: 0.99, dropConnect: 0 };
    return await use(weights, createEncoder(weights, name, options));
  } finally {
    weights.dispose();
  }
}

function assign(
  weights: Weights,
  stored: ReadonlyMap<string, StoredTensor>,
  options: { partial?: boolean } = {},
): void {
  const values = new Map(
    [...stored].map(([name, { data, shape }]) => [name, tf.tensor(data, shape)] as const),
  );
  try {
    weights.assign(values, options);
  } finally {
    tf.dispose([...values.values()]);
  }
}

/** Of names, shapes and numbers, in the order of the names. */
function hashOf(tensors: ReadonlyMap<string, StoredTensor>): string {
  const parts = [...tensors].sort(([a], [b]) => a < b ? -1 : 1).map(([name, { shape, data }]) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return [name, shape, sha256(bytes)];
  });
  return sha256(JSON.stringify(parts));
}
