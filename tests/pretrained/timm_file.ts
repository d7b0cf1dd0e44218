import { encodeSafetensors, type StoredTensor } from "@/files/mod.ts";
import { createEncoder, type EncoderName, Weights } from "@/model/mod.ts";
import { timmName } from "@/pretrained/timm_names.ts";
import { tf } from "@/tensorflow/mod.ts";

/** Weights as timm lays them out, and the same under our names. */
export interface TimmFile {
  tensors: Map<string, StoredTensor>;
  bytes: Uint8Array;
  ours: Map<string, Float32Array>;
}

/** Makes the file that timm would have of an encoder with starting weights. */
export function timmFile(encoder: EncoderName, seed = 5): TimmFile {
  const weights = new Weights(seed);
  createEncoder(weights, encoder, { batchNormMomentum: 0.9, dropConnect: 0 });
  const ours = new Map<string, Float32Array>();
  const tensors = new Map<string, StoredTensor>();
  for (const { name, variable } of weights.all) {
    ours.set(name, variable.dataSync().slice() as Float32Array);
    // Kernels are [out, in, height, width] there, [channels, 1, height, width] where depthwise.
    const order = name.endsWith("_dwconv/kernel") ? [2, 3, 0, 1] : [3, 2, 0, 1];
    const stored = tf.tidy(() =>
      variable.rank === 4 ? tf.transpose(variable, order) : tf.clone(variable)
    );
    const data = stored.dataSync().slice() as Float32Array;
    tensors.set(timmName(encoder, name), { shape: stored.shape, data });
    stored.dispose();
  }
  weights.dispose();
  return { tensors, bytes: encodeSafetensors({ tensors, metadata: {} }), ours };
}
