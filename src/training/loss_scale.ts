import { ResourceVariable, tf } from "@/tensorflow/mod.ts";

/** Settings of the loss scale. */
export interface LossScaleOptions {
  /** The first scale, a power of 2. Default: 32768, as in Keras. */
  initial?: number;
  /** Steps with finite gradients before the scale is doubled. Default: 2000, as in Keras. */
  growthSteps?: number;
}

/**
 * Dynamic loss scaling (Micikevicius et al. 2018), by the rules of Keras's `LossScaleOptimizer`:
 * gradients that float16 would round to 0 are computed of a loss that is larger by a factor. Where a
 * gradient is then too large for float16 the step is left out and the factor halved; after many good
 * steps it is doubled.
 */
export class LossScale {
  /** The scale and the number of good steps since it last changed, by name, for checkpoints. */
  readonly state = new Map<string, tf.Variable>();
  readonly #scale: tf.Variable;
  readonly #goodSteps: tf.Variable;
  readonly #growthSteps: number;

  constructor({ initial = 2 ** 15, growthSteps = 2000 }: LossScaleOptions = {}) {
    this.#scale = this.#create("scale", initial);
    this.#goodSteps = this.#create("good_steps", 0);
    this.#growthSteps = growthSteps;
  }

  /** The loss whose gradients are to be computed. */
  scale(loss: tf.Scalar): tf.Scalar {
    return tf.mul(loss, this.#scale);
  }

  /** What comes of a scaled loss, at its own size: exact, as the scale is a power of 2. */
  unscale<T extends tf.Tensor>(scaled: T): T {
    return tf.div(scaled, this.#scale);
  }

  /**
   * Makes a step if all gradients are finite, else takes it back; then sets the scale. Tensor operations
   * alone, so that it can be traced.
   *
   * @param gradients Of any shape, not scaled.
   * @param variables All that the step changes.
   * @param step Assigns them.
   */
  update(
    gradients: tf.Tensor[],
    variables: readonly (tf.Variable | ResourceVariable)[],
    step: () => void,
  ): void {
    tf.tidy(() => {
      const isFinite = tf.all(tf.stack(gradients.map((gradient) => tf.all(tf.isFinite(gradient)))));
      const before = variables.map((variable) => valueOf(variable));
      step();
      for (const [i, variable] of variables.entries()) {
        variable.assign(tf.where(isFinite, valueOf(variable), before[i]!));
      }
      const steps = tf.add(this.#goodSteps, 1);
      const isDue = tf.greaterEqual(steps, this.#growthSteps);
      const grown = tf.where(isDue, tf.mul(this.#scale, 2), this.#scale);
      const counted = tf.where(isDue, tf.zerosLike(steps), steps);
      this.#scale.assign(tf.where(isFinite, grown, tf.div(this.#scale, 2)));
      this.#goodSteps.assign(tf.where(isFinite, counted, tf.zerosLike(steps)));
    });
  }

  /** Frees the state. */
  dispose(): void {
    for (const variable of this.state.values()) variable.dispose();
    this.state.clear();
  }

  #create(name: string, start: number): tf.Variable {
    const variable = tf.tidy(() => tf.variable(tf.scalar(start), false));
    this.state.set(name, variable);
    return variable;
  }
}

/** A variable's values as they are now, whatever comes later. */
function valueOf(variable: tf.Variable | ResourceVariable): tf.Tensor {
  return variable instanceof ResourceVariable ? variable.read() : variable.clone();
}
