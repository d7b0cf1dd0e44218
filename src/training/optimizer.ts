import type { Weight } from "@/model/mod.ts";
import { tf } from "@/tensorflow/mod.ts";

/** Changes weights along their gradients. All of its state is in variables that exist beforehand. */
export interface Optimizer {
  /** Its state by name, for checkpoints. */
  readonly slots: ReadonlyMap<string, tf.Variable>;
  /**
   * Changes the weights; tensor operations alone, so that it can be traced.
   *
   * @param gradients One for each weight, in the order of the weights.
   * @param learningRate A scalar.
   */
  apply(gradients: tf.Tensor[], learningRate: tf.Scalar): void;
  /** Frees the state. */
  dispose(): void;
}

/** Settings of Adam. */
export interface AdamOptions {
  /** Share of the gradient's running mean that a step keeps. Default: 0.9. */
  beta1?: number;
  /** Share of the squared gradient's running mean that a step keeps. Default: 0.999. */
  beta2?: number;
  /** Keeps the division finite. Default: 1e-7, as in Keras. */
  epsilon?: number;
}

/**
 * Adam (Kingma & Ba 2015) as Keras computes it: the bias corrections are in the learning rate,
 * `epsilon` is added to the uncorrected root.
 */
export class Adam implements Optimizer {
  readonly slots = new Map<string, tf.Variable>();
  readonly #weights: readonly Weight[];
  readonly #beta1: number;
  readonly #beta2: number;
  readonly #epsilon: number;
  /** Powers of the betas after the steps so far. */
  readonly #powers: [tf.Variable, tf.Variable];
  readonly #moments: { mean: tf.Variable; square: tf.Variable }[];

  constructor(weights: readonly Weight[], options: AdamOptions = {}) {
    const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = options;
    this.#weights = weights;
    this.#beta1 = beta1;
    this.#beta2 = beta2;
    this.#epsilon = epsilon;
    this.#powers = [
      this.#slot("beta1_power", tf.scalar(1)),
      this.#slot("beta2_power", tf.scalar(1)),
    ];
    this.#moments = weights.map(({ name, variable }) => ({
      mean: this.#slot(`mean/${name}`, tf.zeros(variable.shape)),
      square: this.#slot(`square/${name}`, tf.zeros(variable.shape)),
    }));
  }

  apply(gradients: tf.Tensor[], learningRate: tf.Scalar): void {
    if (gradients.length !== this.#weights.length) {
      throw new RangeError(
        `Cannot apply gradients as there must be one for each of the ${this.#weights.length} ` +
          `weights: ${gradients.length}`,
      );
    }
    tf.tidy(() => {
      const [power1, power2] = this.#powers;
      power1.assign(tf.mul(power1, this.#beta1));
      power2.assign(tf.mul(power2, this.#beta2));
      const correction = tf.div(tf.sqrt(tf.sub(1, power2)), tf.sub(1, power1));
      const rate = tf.mul(learningRate, correction);
      for (const [i, { variable }] of this.#weights.entries()) {
        const gradient = gradients[i]!;
        const { mean, square } = this.#moments[i]!;
        mean.assign(mix(gradient, mean, this.#beta1));
        square.assign(mix(tf.square(gradient), square, this.#beta2));
        const step = tf.div(tf.mul(mean, rate), tf.add(tf.sqrt(square), this.#epsilon));
        variable.assign(tf.sub(variable, step));
      }
    });
  }

  dispose(): void {
    for (const variable of this.slots.values()) variable.dispose();
    this.slots.clear();
  }

  #slot(name: string, start: tf.Tensor): tf.Variable {
    const variable = tf.variable(start, false);
    start.dispose();
    this.slots.set(name, variable);
    return variable;
  }
}

/** `keep old + (1 - keep) next` */
function mix(next: tf.Tensor, old: tf.Tensor, keep: number): tf.Tensor {
  return tf.add(tf.mul(old, keep), tf.mul(next, 1 - keep));
}
