import { afterwards, tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";

/** A part of a network: `[batch, height, width, channels]` to the same with other lengths. */
export type Part = (x: tf.Tensor4D, forward: Forward) => tf.Tensor4D;

/**
 * Applies a part of a network without keeping what is computed inside: the backward pass computes it
 * again (gradient checkpointing; Chen et al. 2016). It costs one more forward pass of the part, and its
 * inner activations are in memory only while its own gradients are taken. Results, gradients, dropout
 * and BatchNorm's statistics are those of `part(x, forward)`.
 *
 * @param part Must depend on `x`, its variables and `forward` alone.
 * @param x Its input.
 * @param variables All weights of the part that get gradients.
 */
export function checkpointed(
  part: Part,
  x: tf.Tensor4D,
  variables: tf.Variable[],
  forward: Forward,
): tf.Tensor4D {
  if (!forward.training) return part(x, forward);
  // The repetition must drop what the first pass drops: its stream starts where that one's stands.
  const random = forward.random.copy();
  const inputs = [x, ...variables] as tf.Tensor[];
  const apply = tf.customGrad((...all) => {
    const [input] = all as tf.Tensor[] as [tf.Tensor4D];
    const save = all.at(-1) as unknown as tf.GradSaveFunc;
    save([input]);
    const gradFunc = (dy: tf.Tensor | tf.Tensor[], saved: tf.Tensor[]) => {
      const repeated = { ...forward, random: random.copy(), isRepetition: true };
      return repeatedGradients(
        (again) => part(again, repeated),
        saved[0] as tf.Tensor4D,
        variables,
        dy as tf.Tensor4D,
      );
    };
    return { value: part(input, forward), gradFunc };
  });
  return apply(...inputs) as tf.Tensor4D;
}

function repeatedGradients(
  part: (x: tf.Tensor4D) => tf.Tensor4D,
  x: tf.Tensor4D,
  variables: tf.Variable[],
  dy: tf.Tensor4D,
): tf.Tensor[] {
  const { state } = tf.engine();
  // Gradients of a gradient function: TensorFlow.js would end the tape of the pass around it.
  const outerTape = state.activeTape;
  try {
    // Else TensorFlow finds that this computes what the first pass has computed, and keeps that.
    const input = afterwards(x, dy);
    const inputs = [input, ...variables];
    const { grads } = tf.engine().gradients(() => part(input), inputs, dy, true);
    return grads.map((gradient, i) => gradient ?? tf.zerosLike(inputs[i]!));
  } finally {
    state.activeTape = outerTape;
  }
}
