import { type SegmentationModel, Weights } from "@/model/mod.ts";
import { tf } from "@/tensorflow/mod.ts";

const MEAN = (0.485 / 0.229 + 0.456 / 0.224 + 0.406 / 0.225) / 3;
const SCALE = (1 / 0.229 + 1 / 0.224 + 1 / 0.225) / 3;

/** The mean of a grey value's three colours, normalised with ImageNet's means and deviations. */
export function normalised(grey: number): number {
  return grey * SCALE - MEAN;
}

/** A model without BatchNorm: `slope x + bias`, where `x` is {@linkcode normalised}. */
export function linearModel(slope: number, bias: number): SegmentationModel {
  const weights = new Weights(0);
  tf.tidy(() => {
    weights.create("slope", [], "zeros").assign(tf.scalar(slope));
    weights.create("bias", [], "zeros").assign(tf.scalar(bias));
  });
  const apply = (images: tf.Tensor4D) =>
    tf.add(
      tf.mul(tf.mean(images, -1, true), weights.get("slope")),
      weights.get("bias"),
    ) as tf.Tensor4D;
  return {
    weights,
    apply,
    outputs: (images: tf.Tensor4D) => [apply(images)],
    dispose: () => weights.dispose(),
  } as unknown as SegmentationModel;
}
