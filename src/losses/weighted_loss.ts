import { tf } from "@/tensorflow/mod.ts";
import { binaryCrossEntropy } from "./binary_cross_entropy.ts";
import { diceLoss, type DiceOptions, type SharedBatch } from "./dice.ts";
import { focalLoss, type FocalOptions } from "./focal.ts";
import { lovaszHinge, type LovaszOptions, symmetricLovaszHinge } from "./lovasz.ts";

/** The losses by name. */
export const LOSSES = ["bce", "dice", "focal", "lovasz", "symmetricLovasz"] as const;

/** The name of a loss. */
export type LossName = (typeof LOSSES)[number];

/** How much each loss counts; at least one must be above 0. */
export type LossWeights = Partial<Record<LossName, number>>;

/** Settings of the losses. */
export interface LossOptions {
  dice?: DiceOptions;
  focal?: FocalOptions;
  lovasz?: LovaszOptions;
  symmetricLovasz?: LovaszOptions;
}

/** Logits and masks `[batch, height, width, 1]` to a scalar. */
export type Loss = (logits: tf.Tensor4D, masks: tf.Tensor4D) => tf.Scalar;

/**
 * A weighted sum of losses, for example `{ bce: 1, dice: 1 }`.
 *
 * @param shared The processes that share a batch in equal parts; the mean of their losses is then the
 * loss of the whole batch. Default: this process has all of it.
 * @throws {RangeError} If a name is unknown, a weight negative, or none above 0, or a loss cannot be
 * computed on parts of a batch.
 */
export function weightedLoss(
  weights: LossWeights,
  options: LossOptions = {},
  shared?: SharedBatch,
): Loss {
  const losses: Record<LossName, Loss> = {
    bce: binaryCrossEntropy,
    dice: (logits, masks) => diceLoss(logits, masks, { ...options.dice, shared }),
    focal: (logits, masks) => focalLoss(logits, masks, options.focal),
    lovasz: (logits, masks) => lovaszHinge(logits, masks, options.lovasz),
    symmetricLovasz: (logits, masks) =>
      symmetricLovaszHinge(logits, masks, options.symmetricLovasz),
  };
  const parts = Object.entries(weights).filter(([, weight]) => weight !== undefined);
  for (const [name, weight] of parts) {
    if (!(LOSSES as readonly string[]).includes(name)) {
      throw new RangeError(
        `Cannot make a loss as there is none of that name: ${name}. Use ${LOSSES.join(", ")}`,
      );
    }
    if (!(weight >= 0 && Number.isFinite(weight))) {
      throw new RangeError(`Cannot make a loss as the weight of ${name} must be >= 0: ${weight}`);
    }
  }
  const counted = parts.filter(([, weight]) => weight > 0) as [LossName, number][];
  if (counted.length === 0) {
    throw new RangeError(
      `Cannot make a loss as no weight is above 0: ${JSON.stringify(weights)}`,
    );
  }
  for (const [name] of counted) {
    if (!shared || (name !== "lovasz" && name !== "symmetricLovasz")) continue;
    if (options[name]?.per !== "batch") continue;
    throw new RangeError(
      `Cannot make a loss of parts of a batch as ${name} per batch sorts the pixels of all of it. Use ` +
        `lossOptions.${name}.per: image, or one worker`,
    );
  }
  return (logits, masks) => {
    if (!tf.util.arraysEqual(logits.shape, masks.shape)) {
      throw new RangeError(
        `Cannot compute a loss as logits and masks differ in shape: [${logits.shape}] and ` +
          `[${masks.shape}]`,
      );
    }
    return tf.tidy(() =>
      counted
        .map(([name, weight]) => tf.mul(losses[name](logits, masks), weight) as tf.Scalar)
        .reduce((sum, part) => tf.add(sum, part))
    );
  };
}
