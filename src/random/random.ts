import { createHash } from "node:crypto";

/**
 * A seeded stream of random numbers (sfc32 of Chris Doty-Humphrey's PractRand), named by a seed and
 * any number of keys. Streams of different keys are independent, so a draw for "epoch 3, film X"
 * does not depend on what was drawn before: that is what lets a run resume in the middle.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Random } from "@/random/mod.ts";
 *
 * assertEquals(new Random(7, "order", 3).uniform(), new Random(7, "order", 3).uniform());
 * ```
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /**
   * @param seed The run's seed, any finite number.
   * @param keys What the stream is for, for example `"folds"` or `"epoch", 3`.
   */
  constructor(seed: number, ...keys: (string | number)[]) {
    if (!Number.isFinite(seed)) {
      throw new RangeError(`Cannot seed a random stream as the seed must be finite: it is ${seed}`);
    }
    const digest = createHash("sha256").update(JSON.stringify([seed, ...keys])).digest();
    this.#a = digest.readInt32LE(0);
    this.#b = digest.readInt32LE(4);
    this.#c = digest.readInt32LE(8);
    for (let i = 0; i < 12; i++) this.#next();
  }

  #next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;
    return sum >>> 0;
  }

  /** A number drawn uniformly from `[low, high)`. */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.#next() / 0x1_0000_0000);
  }

  /** A whole number drawn uniformly from `[0, bound)`. */
  integer(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1) {
      throw new RangeError(`Cannot draw an integer as bound must be a positive integer: ${bound}`);
    }
    return Math.floor(this.uniform() * bound);
  }

  /** A normally distributed number (Box-Muller transform). */
  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** One element, each with the same probability. */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(items.length)]!;
  }

  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
    }
    return shuffled;
  }
}
