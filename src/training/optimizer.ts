import type { Weight } from "@/model/mod.ts";
import { rawOp, ResourceVariable, tf } from "@/tensorflow/mod.ts";

/** Changes weights along their gradients. All of its state is in variables that exist beforehand. */
export interface Optimizer {
  /** Its state by name, for checkpoints. */
  readonly slots: ReadonlyMap<string, tf.Variable | ResourceVariable>;
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
 * `epsilon` is added to the uncorrected root. TensorFlow's fused operation changes a weight and its two
 * moments in one pass over memory, where single operations would take twelve.
 */
export class Adam implements Optimizer {
  readonly slots = new Map<string, tf.Variable | ResourceVariable>();
  readonly #weights: readonly Weight[];
  readonly #options: Required<AdamOptions>;
  /** Powers of the betas after the steps so far. */
  readonly #powers: [tf.Variable, tf.Variable];
  /** For each weight: where it is changed, and its moments. */
  readonly #states: {
    weight: ResourceVariable;
    mean: ResourceVariable;
    square: ResourceVariable;
  }[];

  constructor(weights: readonly Weight[], options: AdamOptions = {}) {
    this.#weights = weights;
    this.#options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0, ...options };
    this.#powers = [this.#power("beta1_power"), this.#power("beta2_power")];
    this.#states = weights.map(({ name, variable }) => ({
      weight: new ResourceVariable(variable),
      mean: this.#moment(`mean/${name}`, variable.shape),
      square: this.#moment(`square/${name}`, variable.shape),
    }));
  }

  apply(gradients: tf.Tensor[], learningRate: tf.Scalar): void {
    checkGradients(gradients, this.#weights);
    const { beta1, beta2, epsilon, weightDecay } = this.#options;
    tf.tidy(() => {
      const [power1, power2] = this.#powers;
      power1.assign(tf.mul(power1, beta1));
      power2.assign(tf.mul(power2, beta2));
      const numbers = [beta1, beta2, epsilon].map((number) => tf.scalar(number));
      const settings = [power1, power2, learningRate, ...numbers];
      const decay = tf.mul(learningRate, weightDecay);
      for (const [i, { variable }] of this.#weights.entries()) {
        const { weight, mean, square } = this.#states[i]!;
        weight.assign(weightDecay === 0 ? variable : tf.sub(variable, tf.mul(variable, decay)));
        const resources = [weight, mean, square].map(({ handle }) => handle);
        const inputs = [...resources, ...settings, gradients[i]!];
        rawOp("ResourceApplyAdam", inputs, { T: { type: "float32" } }, 0);
        variable.assign(weight.read());
      }
    });
  }

  dispose(): void {
    for (const variable of this.slots.values()) variable.dispose();
    for (const { weight } of this.#states) weight.dispose();
    this.slots.clear();
    this.#states.length = 0;
  }

  #power(name: string): tf.Variable {
    const power = tf.tidy(() => tf.variable(tf.scalar(1), false));
    this.slots.set(name, power);
    return power;
  }

  #moment(name: string, shape: number[]): ResourceVariable {
    const zeros = tf.zeros(shape);
    const moment = new ResourceVariable(zeros);
    zeros.dispose();
    this.slots.set(name, moment);
    return moment;
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
