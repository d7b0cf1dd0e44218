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
  /**
   * Share of each weight that a step takes off, times the learning rate, beside the gradient (AdamW;
   * Loshchilov & Hutter 2019). As in Keras it holds for all weights. Default: 0.
   */
  weightDecay?: number;
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
  readonly #weightDecay: number;
  /** Powers of the betas after the steps so far. */
  readonly #powers: [tf.Variable, tf.Variable];
  readonly #moments: { mean: tf.Variable; square: tf.Variable }[];

  constructor(weights: readonly Weight[], options: AdamOptions = {}) {
    const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, weightDecay = 0 } = options;
    this.#weights = weights;
    this.#beta1 = beta1;
    this.#beta2 = beta2;
    this.#epsilon = epsilon;
    this.#weightDecay = weightDecay;
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
    checkGradients(gradients, this.#weights);
    tf.tidy(() => {
      const [power1, power2] = this.#powers;
      power1.assign(tf.mul(power1, this.#beta1));
      power2.assign(tf.mul(power2, this.#beta2));
      const correction = tf.div(tf.sqrt(tf.sub(1, power2)), tf.sub(1, power1));
      const rate = tf.mul(learningRate, correction);
      const decay = tf.mul(learningRate, this.#weightDecay);
      for (const [i, { variable }] of this.#weights.entries()) {
        const gradient = gradients[i]!;
        const { mean, square } = this.#moments[i]!;
        mean.assign(mix(gradient, mean, this.#beta1));
        square.assign(mix(tf.square(gradient), square, this.#beta2));
        const step = tf.div(tf.mul(mean, rate), tf.add(tf.sqrt(square), this.#epsilon));
        const kept = this.#weightDecay === 0 ? variable : tf.sub(variable, tf.mul(variable, decay));
        variable.assign(tf.sub(kept, step));
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

/** Settings of stochastic gradient descent. */
export interface GradientDescentOptions {
  /** Share of its velocity that a step keeps, in `[0, 1)`. Default: 0. */
  momentum?: number;
  /** Whether the step is taken where the velocity leads to (Nesterov 1983). Default: false. */
  nesterov?: boolean;
}

/**
 * Stochastic gradient descent with momentum as Keras computes it: the learning rate is in the velocity,
 * so that a change of the rate acts on new gradients alone.
 */
export class GradientDescent implements Optimizer {
  readonly slots = new Map<string, tf.Variable>();
  readonly #weights: readonly Weight[];
  readonly #momentum: number;
  readonly #nesterov: boolean;
  readonly #velocities: tf.Variable[];

  constructor(weights: readonly Weight[], options: GradientDescentOptions = {}) {
    const { momentum = 0, nesterov = false } = options;
    this.#weights = weights;
    this.#momentum = momentum;
    this.#nesterov = nesterov;
    this.#velocities = momentum === 0 ? [] : weights.map(({ name, variable }) => {
      const velocity = tf.tidy(() => tf.variable(tf.zeros(variable.shape), false));
      this.slots.set(`velocity/${name}`, velocity);
      return velocity;
    });
  }

  apply(gradients: tf.Tensor[], learningRate: tf.Scalar): void {
    checkGradients(gradients, this.#weights);
    tf.tidy(() => {
      for (const [i, { variable }] of this.#weights.entries()) {
        const step = tf.neg(tf.mul(gradients[i]!, learningRate));
        variable.assign(tf.add(variable, this.#accelerated(step, this.#velocities[i])));
      }
    });
  }

  #accelerated(step: tf.Tensor, velocity: tf.Variable | undefined): tf.Tensor {
    if (!velocity) return step;
    velocity.assign(tf.add(tf.mul(velocity, this.#momentum), step));
    return this.#nesterov ? tf.add(tf.mul(velocity, this.#momentum), step) : velocity;
  }

  dispose(): void {
    for (const variable of this.slots.values()) variable.dispose();
    this.slots.clear();
  }
}

/** Which optimizer, and its settings. */
export type OptimizerOptions =
  | { kind: "adam" } & Omit<AdamOptions, "weightDecay">
  | { kind: "adamw" } & AdamOptions
  | { kind: "sgd" } & GradientDescentOptions;

/** Makes the optimizer that an experiment names. */
export function createOptimizer(weights: readonly Weight[], options: OptimizerOptions): Optimizer {
  if (options.kind === "sgd") return new GradientDescent(weights, options);
  return new Adam(weights, options);
}

/** Limit of the gradients before a step. */
export interface Clipping {
  /** Scale all gradients down together, so that they keep their direction, or cut off each number. */
  by: "global-norm" | "value";
  /** Largest Euclidean norm of all gradients taken as one vector, or largest absolute value. */
  limit: number;
}

/**
 * Limits gradients (Pascanu et al. 2013); tensor operations alone, so that it can be traced. NaN stays
 * NaN.
 *
 * @throws {RangeError} If the limit is not above 0.
 */
export function clipGradients(gradients: tf.Tensor[], { by, limit }: Clipping): tf.Tensor[] {
  if (!(limit > 0)) {
    throw new RangeError(`Cannot clip gradients as the limit must be > 0: ${limit}`);
  }
  if (by === "value") return gradients.map((gradient) => tf.clipByValue(gradient, -limit, limit));
  return tf.tidy(() => {
    const squares = gradients.map((gradient) => tf.sum(tf.square(gradient)));
    const norm = tf.sqrt(tf.addN(squares));
    const scale = tf.div(limit, tf.maximum(norm, limit));
    return gradients.map((gradient) => tf.mul(gradient, scale));
  });
}

function checkGradients(gradients: tf.Tensor[], weights: readonly Weight[]): void {
  if (gradients.length === weights.length) return;
  throw new RangeError(
    `Cannot apply gradients as there must be one for each of the ${weights.length} weights: ` +
      `${gradients.length}`,
  );
}

/** `keep old + (1 - keep) next` */
function mix(next: tf.Tensor, old: tf.Tensor, keep: number): tf.Tensor {
  return tf.add(tf.mul(old, keep), tf.mul(next, 1 - keep));
}
