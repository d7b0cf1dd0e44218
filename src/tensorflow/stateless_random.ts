import { rawOp, tf } from "./backend.ts";

/**
 * Between the seeds of two draws: odd, so that no two draws of a stream share one, and large, so that
 * streams whose seeds are near to each other (seed and step, seed and step + 1) share none either.
 */
const SPREAD = 0x9e3779b1;

/** Draws of up to as many numbers a row are made for all processes at once. */
const FEW = 64;

/** Up to this rate, `256 rate` and a number below 1 is below 256, in float32 too. */
const HIGHEST_BYTE_RATE = 254 / 256;

/** Which rows of a batch a process has, where several processes share it in equal parts. */
export interface Share {
  /** The process's place, from 0. */
  index: number;
  /** How many processes. */
  count: number;
}

/**
 * Random tensors drawn by TensorFlow from a seed that is itself a tensor, so that a traced function
 * draws anew in each call and the same seed gives the same numbers (counter-based Philox; TensorFlow's
 * `StatelessRandom*` operations). Each draw of one stream differs from its other draws.
 */
export class StatelessRandom {
  readonly #seed: tf.Tensor1D;
  readonly #share: Share | undefined;
  #draws = 0;

  /**
   * @param seed Two int32 numbers, shape `[2]`.
   * @param share Makes the first axis of every shape the batch's: a row's numbers are then those that it
   * gets wherever the batch is cut among processes. Default: the numbers belong to the whole tensor.
   */
  constructor(seed: tf.Tensor1D, share?: Share) {
    if (seed.dtype !== "int32" || !tf.util.arraysEqual(seed.shape, [2])) {
      throw new TypeError(
        `Cannot seed a random stream as the seed must be an int32 tensor of shape [2]: ` +
          `${seed.dtype} [${seed.shape}]`,
      );
    }
    this.#seed = seed;
    this.#share = share;
  }

  /** Another stream that draws from here on what this one draws. */
  copy(): StatelessRandom {
    const copy = new StatelessRandom(this.#seed, this.#share);
    copy.#draws = this.#draws;
    return copy;
  }

  /** Numbers drawn uniformly from `[low, high)`. */
  uniform<R extends tf.Rank>(shape: number[], low = 0, high = 1): tf.Tensor<R> {
    return tf.tidy(() => {
      const unit = this.#draw("StatelessRandomUniform", shape);
      if (low === 0 && high === 1) return unit as tf.Tensor<R>;
      return tf.add(tf.mul(unit, high - low), low) as tf.Tensor<R>;
    });
  }

  /** Numbers drawn from the standard normal distribution. */
  normal<R extends tf.Rank>(shape: number[]): tf.Tensor<R> {
    return tf.tidy(() => this.#draw("StatelessRandomNormal", shape) as tf.Tensor<R>);
  }

  /** As {@linkcode normal}, with what lies beyond two standard deviations drawn again. */
  truncatedNormal<R extends tf.Rank>(shape: number[]): tf.Tensor<R> {
    return tf.tidy(() => this.#draw("StatelessTruncatedNormal", shape) as tf.Tensor<R>);
  }

  /**
   * Draws that are true with a probability of `1 - rate`. Where there are many, a random number decides
   * four times: drawing is what costs time. Its bytes are compared with `256 rate`, rounded up or down for
   * all of them by one more draw, so that the probability is the one asked for.
   *
   * @param shape Its first axis is the batch's.
   * @param rate In `[0, 1)`.
   */
  kept(shape: number[], rate: number): tf.Tensor {
    return tf.tidy(() => {
      const [rows, ...row] = shape as [number, ...number[]];
      const count = tf.util.sizeFromShape(row);
      if (count <= FEW || rate > HIGHEST_BYTE_RATE) {
        const words = this.#draw("StatelessRandomUniformFullInt", shape, "int32");
        const threshold = tf.scalar(Math.round(rate * 2 ** 32) - 2 ** 31, "int32");
        return tf.greaterEqual(words, threshold);
      }
      const unit = this.#draw("StatelessRandomUniform", []);
      const [threshold] = rawOp("Cast", [tf.add(unit, rate * 256)], {
        SrcT: { type: "float32" },
        DstT: { type: "uint8" },
      });
      const quarter = [rows, Math.ceil(count / 4)];
      const words = this.#draw("StatelessRandomUniformFullInt", quarter, "int32");
      const [bytes] = rawOp("Bitcast", [words], {
        T: { type: "int32" },
        type: { type: "uint8" },
      });
      const draws = rawOp("GreaterEqual", [bytes!, threshold!], { T: { type: "uint8" } })[0]!;
      const all = tf.reshape(draws, [rows, -1]);
      return tf.reshape(count % 4 === 0 ? all : tf.slice(all, [0, 0], [rows, count]), shape);
    });
  }

  /**
   * Keys for {@linkcode keptByKeys}, one for each row of a batch.
   *
   * @returns int32 `[rows, 2]`.
   */
  keys(rows: number): tf.Tensor2D {
    return tf.tidy(() => {
      return this.#draw("StatelessRandomUniformFullInt", [rows, 2], "int32") as tf.Tensor2D;
    });
  }

  #draw(op: string, shape: number[], dtype: "float32" | "int32" = "float32"): tf.Tensor {
    const draw = this.#draws++;
    const drawAll = (shape: number[], row: number) => {
      const offset = tf.tensor1d([Math.imul(draw, SPREAD), row], "int32");
      return rawOp(op, [tf.tensor1d(shape, "int32"), tf.add(this.#seed, offset)], {
        dtype: { type: dtype },
        T: { type: "int32" },
        Tseed: { type: "int32" },
      })[0]!;
    };
    const [rows, ...row] = shape;
    if (!this.#share || rows === undefined) return drawAll(shape, 0);
    const { index, count } = this.#share;
    if (tf.util.sizeFromShape(row) <= FEW) {
      const all = drawAll([rows * count, ...row], 0);
      if (count === 1) return all;
      return tf.slice(all, [rows * index, ...row.map(() => 0)], shape);
    }
    // Each row from a seed of its own: no process draws what others need.
    const seeds = Array.from({ length: rows }, (_, i) => 1 + rows * index + i);
    return tf.stack(seeds.map((second) => drawAll(row, second)));
  }
}
