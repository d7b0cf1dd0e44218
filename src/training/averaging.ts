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

/**
 * The exponential moving average of a model's weights: `average = decay average + (1 - decay) weights`
 * after each step. In the first steps the decay is lower, `(1 + steps) / (10 + steps)`, so that the
 * starting weights are soon forgotten (TensorFlow's `ExponentialMovingAverage` with `num_updates`).
 */
export class MovingAverage {
  /** The average and the number of steps, by name, for checkpoints. */
  readonly state = new Map<string, tf.Variable>();
  readonly #steps: tf.Variable;

  /** @param decay Share of the average that a step keeps, in `(0, 1)`. */
  constructor(readonly model: SegmentationModel, readonly decay: number) {
    for (const { name, variable } of model.weights.trainable) {
      this.state.set(name, tf.tidy(() => tf.variable(tf.clone(variable), false)));
    }
    this.#steps = tf.tidy(() => tf.variable(tf.scalar(0), false));
    this.state.set(STEPS, this.#steps);
  }

  /** Starts again from the model's present weights. */
  reset(): void {
    tf.tidy(() => {
      for (const { name, variable } of this.model.weights.trainable) {
        this.state.get(name)!.assign(tf.clone(variable));
      }
      this.#steps.assign(tf.scalar(0));
    });
  }

  /** Takes the model's present weights in; tensor operations alone, so that it can be traced. */
  update(): void {
    tf.tidy(() => {
      const ramp = tf.div(tf.add(this.#steps, 1), tf.add(this.#steps, 10));
      const decay = tf.minimum(ramp, this.decay);
      for (const { name, variable } of this.model.weights.trainable) {
        const average = this.state.get(name)!;
        average.assign(tf.add(variable, tf.mul(tf.sub(average, variable), decay)));
      }
      this.#steps.assign(tf.add(this.#steps, 1));
    });
  }

  /** Gives the model the average weights. */
  moveToModel(): void {
    const weights = new Map([...this.state].filter(([name]) => name !== STEPS));
    this.model.weights.assign(weights, { partial: true });
  }

  dispose(): void {
    for (const variable of this.state.values()) variable.dispose();
    this.state.clear();
  }
}

/** No weight has a name with a space. */
const STEPS = "number of steps";
