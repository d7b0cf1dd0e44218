import { Random } from "@/random/mod.ts";
import { StatelessRandom, tf } from "@/tensorflow/mod.ts";

/** How a weight starts. */
export type Initializer =
  | "zeros"
  | "ones"
  /** Glorot & Bengio 2010, uniform: Keras's default for convolutions. */
  | "glorot-uniform"
  /** He et al. 2015 over the fan-out, truncated normal: EfficientNet's in Keras. */
  | "fan-out-truncated-normal"
  | { constant: number };

/** One weight of a model: its name, its variable, and whether an optimizer may change it. */
export interface Weight {
  name: string;
  variable: tf.Variable;
  trainable: boolean;
}

/** Values for weights that do not fit the model; the message lists what did not match. */
export class WeightsMismatchError extends Error {
  override name = "WeightsMismatchError";
}

/** How many of each kind of mismatch an error message lists. */
const LISTED = 5;

/**
 * The named weights of one model, in the order in which its layers made them. Names are those of
 * Keras: `block2a_expand_conv/kernel`.
 */
export class Weights {
  readonly #weights = new Map<string, Weight>();

  /** @param seed The starting values of each weight depend on the seed and its name alone. */
  constructor(readonly seed: number) {}

  /** Makes a weight with its starting values. */
  create(name: string, shape: number[], initializer: Initializer, trainable = true): tf.Variable {
    if (this.#weights.has(name)) {
      throw new RangeError(`Cannot create a weight as its name is taken: ${name}`);
    }
    const variable = tf.tidy(() =>
      tf.variable(initialValue(shape, initializer, this.seed, name), trainable)
    );
    this.#weights.set(name, { name, variable, trainable });
    return variable;
  }

  /** All weights. */
  get all(): Weight[] {
    return [...this.#weights.values()];
  }

  /** The weights that an optimizer changes. */
  get trainable(): Weight[] {
    return this.all.filter((weight) => weight.trainable);
  }

  /** The variables that an optimizer changes whose names start so: those of one part of a model. */
  trainableUnder(prefix: string): tf.Variable[] {
    return this.trainable.flatMap(({ name, variable }) =>
      name.startsWith(prefix) ? [variable] : []
    );
  }

  /** How many numbers the model has, those of BatchNorm's statistics included, as Keras counts. */
  get parameterCount(): number {
    return this.all.reduce((sum, { variable }) => sum + variable.size, 0);
  }

  /** @throws {RangeError} If there is no weight of that name. */
  get(name: string): tf.Variable {
    const weight = this.#weights.get(name);
    if (!weight) throw new RangeError(`Cannot find a weight of that name: ${name}`);
    return weight.variable;
  }

  /**
   * Gives weights their values by name.
   *
   * @param values Tensors by name; they stay the caller's.
   * @param options.partial Whether weights that `values` lacks keep what they have. Default: false.
   * @throws {WeightsMismatchError} If a weight has no value, a value no weight, or the shapes or types
   * differ; nothing is changed then.
   */
  assign(values: ReadonlyMap<string, tf.Tensor>, options: { partial?: boolean } = {}): void {
    const missing = options.partial ? [] : [...this.#weights.keys()].filter((n) => !values.has(n));
    const unknown = [...values.keys()].filter((name) => !this.#weights.has(name));
    const misshapen = [...values].flatMap(([name, value]) => {
      const variable = this.#weights.get(name)?.variable;
      const [found, wanted] = [describeTensor(value), variable && describeTensor(variable)];
      return wanted === undefined || found === wanted
        ? []
        : [`${name} is ${found} instead of ${wanted}`];
    });
    const problems = [
      ...describe("without a value", missing),
      ...describe("unknown to this model", unknown),
      ...describe("of another shape or type", misshapen),
    ];
    if (problems.length > 0) {
      throw new WeightsMismatchError(
        `Cannot load weights as they do not fit the model: ${problems.join("; ")}`,
      );
    }
    for (const [name, value] of values) this.get(name).assign(value);
  }

  /** Frees the variables. */
  dispose(): void {
    for (const { variable } of this.#weights.values()) variable.dispose();
    this.#weights.clear();
  }
}

function describeTensor({ dtype, shape, isDisposed }: tf.Tensor): string {
  return isDisposed ? "disposed" : `${dtype} [${shape.join(", ")}]`;
}

function describe(what: string, names: string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > LISTED ? `, and ${names.length - LISTED} more` : "";
  return [`${names.length} ${what} (${names.slice(0, LISTED).join(", ")}${more})`];
}

function initialValue(
  shape: number[],
  initializer: Initializer,
  seed: number,
  name: string,
): tf.Tensor {
  if (initializer === "zeros") return tf.zeros(shape);
  if (initializer === "ones") return tf.ones(shape);
  if (typeof initializer === "object") return tf.fill(shape, initializer.constant);
  const keys = new Random(seed, "weight", name);
  const random = new StatelessRandom(
    tf.tensor1d([keys.integer(2 ** 31), keys.integer(2 ** 31)], "int32"),
  );
  const { fanIn, fanOut } = fans(shape);
  if (initializer === "glorot-uniform") {
    const limit = Math.sqrt(6 / (fanIn + fanOut));
    return random.uniform(shape, -limit, limit);
  }
  // A normal distribution cut at two deviations has this deviation; Keras divides it out.
  const TRUNCATED_DEVIATION = 0.87962566103423978;
  const deviation = Math.sqrt(2 / fanOut) / TRUNCATED_DEVIATION;
  return tf.mul(random.truncatedNormal(shape), deviation);
}

/** Numbers of inputs and outputs of a kernel `[height, width, in, out]`, as Keras counts them. */
function fans(shape: number[]): { fanIn: number; fanOut: number } {
  const receptive = shape.slice(0, -2).reduce((product, length) => product * length, 1);
  return { fanIn: receptive * shape.at(-2)!, fanOut: receptive * shape.at(-1)! };
}
