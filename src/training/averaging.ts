import type { SegmentationModel } from "@/model/mod.ts";
import { tf } from "@/tensorflow/mod.ts";

/**
 * The running mean of a model's weights over a stage's last epochs (stochastic weight averaging;
 * Izmailov et al. 2018). BatchNorm's statistics are not averaged: those of the averaged weights are
 * others, and must be re-estimated.
 */
export class WeightAverage {
  /** The mean so far, by the weights' names, for checkpoints. */
  readonly mean = new Map<string, tf.Variable>();
  /** How many models are in the mean. */
  count = 0;

  constructor(readonly model: SegmentationModel) {
    for (const { name, variable } of model.weights.trainable) {
      this.mean.set(name, tf.tidy(() => tf.variable(tf.zeros(variable.shape), false)));
    }
  }

  /** Takes the model's present weights into the mean. */
  add(): void {
    this.count++;
    tf.tidy(() => {
      for (const { name, variable } of this.model.weights.trainable) {
        const mean = this.mean.get(name)!;
        mean.assign(tf.add(mean, tf.div(tf.sub(variable, mean), this.count)));
      }
    });
  }

  /**
   * Gives the model the mean weights.
   *
   * @throws {RangeError} If no weights have been added.
   */
  moveToModel(): void {
    if (this.count === 0) {
      throw new RangeError("Cannot average weights as none have been added");
    }
    this.model.weights.assign(this.mean, { partial: true });
  }

  dispose(): void {
    for (const variable of this.mean.values()) variable.dispose();
    this.mean.clear();
  }
}
