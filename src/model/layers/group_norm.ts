import type { tf } from "@/tensorflow/mod.ts";
import type { Forward } from "../forward.ts";
import type { Weights } from "../weights.ts";
import { groupNorm } from "./kernels/mod.ts";

/** As BatchNorm's, and Keras's default of this layer. */
const EPSILON = 1e-3;
/** The paper's number of groups. */
const MOST_GROUPS = 32;
/** With fewer channels a group's statistics would be noise. */
const LEAST_CHANNELS = 4;

/**
 * Group normalisation (Wu & He 2018): each image is normalised by the mean and variance of groups of its
 * channels, so that training and inference are the same and the size of the batch does not matter.
 */
export class GroupNorm {
  readonly #gamma: tf.Variable;
  readonly #beta: tf.Variable;
  readonly groups: number;

  /**
   * @param groups Must divide the channels. Default: the most that do, up to 32, of at least four
   * channels each.
   * @throws {RangeError} If they do not.
   */
  constructor(weights: Weights, name: string, channels: number, groups = standardGroups(channels)) {
    if (!(Number.isInteger(groups) && groups > 0 && channels % groups === 0)) {
      throw new RangeError(
        `Cannot make a group normalisation as groups must divide the ${channels} channels: ${groups}`,
      );
    }
    this.groups = groups;
    this.#gamma = weights.create(`${name}/gamma`, [channels], "ones");
    this.#beta = weights.create(`${name}/beta`, [channels], "zeros");
  }

  /** Normalises `[batch, height, width, channels]`. */
  apply(x: tf.Tensor4D, _forward: Forward): tf.Tensor4D {
    return groupNorm(x, this.#gamma, this.#beta, this.groups, EPSILON);
  }
}

function standardGroups(channels: number): number {
  let groups = Math.max(1, Math.min(MOST_GROUPS, Math.floor(channels / LEAST_CHANNELS)));
  while (channels % groups !== 0) groups--;
  return groups;
}
