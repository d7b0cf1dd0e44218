import { inFloat32, rawOp, tf } from "@/tensorflow/mod.ts";
import type { UpConv2D } from "./convolution.ts";

/** A map and the up-convolutions that bring it to a finer level, computed only where somebody asks. */
export class UpPath {
  readonly #before: UpPath | undefined;
  #map: tf.Tensor4D | undefined;

  private constructor(
    /** Where the path begins. // `[batch, height, width, input]` */
    readonly x: tf.Tensor4D,
    /** Transposed 3x3 convolutions with stride 2, in order. */
    readonly ups: readonly UpConv2D[],
    before?: UpPath,
  ) {
    this.#before = before;
    if (!before) this.#map = x;
  }

  /** The path that begins at a map. */
  static from(x: tf.Tensor4D): UpPath {
    return new UpPath(x, []);
  }

  /** This path and one more doubling. */
  up(up: UpConv2D): UpPath {
    return new UpPath(this.x, [...this.ups, up], this);
  }

  /** What lies at its end: `[batch, height, width, filters]`, computed once. */
  map(): tf.Tensor4D {
    return this.#map ??= this.ups.at(-1)!.apply(this.#before!.map());
  }
}

/**
 * `conv2d(concat(paths), kernel)` for inference, without making the large maps at the paths' ends:
 * transposed 3x3 convolutions with stride 2 and a 3x3 convolution behind them are together one
 * transposed convolution, 5x5 with stride 2 for one doubling, 9x9 with stride 4 for two. Where many
 * channels are doubled in size to make few of them, that saves most of the work.
 *
 * @param paths Their ends have one size; each has a doubling at least.
 * @param kernel `[3, 3, channels, filters]` of a convolution with "same" padding; the channels are those
 * of all paths, in order.
 * @returns `[batch, height, width, filters]`, with the size of the paths' ends.
 */
export function composedUpConvolution(paths: readonly UpPath[], kernel: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const channels = paths.map(({ ups }) => ups.at(-1)!.kernel.shape[2]!);
    const kernels = tf.split(kernel, channels, 2) as tf.Tensor4D[];
    const parts = paths.map(({ x, ups }, i) => ({ x, ups, kernel: kernels[i]! }));
    const doublings = [...new Set(paths.map(({ ups }) => ups.length))];
    const sums = doublings.map((count) =>
      withoutBias(parts.filter(({ ups }) => ups.length === count))
    );
    const bias = inFloat32(() => biasBehind(paths, kernel, sums[0]!.shape));
    return [...sums, bias].reduce((sum, part) => tf.add(sum, part));
  });
}

/** A path and the part of the kernel that runs over its end. */
interface Part {
  x: tf.Tensor4D;
  ups: readonly UpConv2D[];
  kernel: tf.Tensor4D; // [3, 3, channels, filters]
}

/** What paths with the same number of doublings add to the result, but for their biases. */
function withoutBias(parts: Part[]): tf.Tensor4D {
  const x: tf.Tensor4D = tf.concat(parts.map(({ x }) => x), -1);
  const scale = 2 ** parts[0]!.ups.length;
  const [, height, width] = x.shape;
  // Kernels are composed in float32, as with `freeze`, where it is done once.
  const responses = parts.map(({ ups, kernel }) => {
    return { response: inFloat32(() => responseOf(ups)), kernel };
  });

  // Transposed convolutions make a row and a column more than they keep. The second convolution must
  // see zeros there: what it would see is computed apart and subtracted.
  const sum = (behind: Behind) => {
    const kernels = inFloat32(() =>
      responses.map(({ response, kernel }) =>
        compose(lines(response, 1, [scale, scale], behind), lines(kernel, 0, [2, 2], behind))
      )
    );
    const kernel: tf.Tensor4D = tf.concat(kernels, 3);
    return enlarge(lines(x, 1, [height - 1, width - 1], behind), kernel, scale);
  };
  const lastColumn = scale * width - 1;
  const beforeCorner: [number, number][] = [[0, 0], [0, 0], [lastColumn, 0], [0, 0]];
  // It is in the row and in the column.
  const corner = tf.pad(sum({ row: true, column: true }), beforeCorner);
  const row = tf.sub(sum({ row: true }), corner) as tf.Tensor4D;
  const y = subtractAt(sum({}), row, [scale * height - 1, 0]);
  return subtractAt(y, sum({ column: true }), [0, lastColumn]);
}

/** Whether only the row, or the column, behind the paths' ends is meant. */
interface Behind {
  row?: boolean;
  column?: boolean;
}

/** `x` with only the row or column `at` that makes what lies behind; rows are the given axis. */
function lines(
  x: tf.Tensor4D,
  axis: number,
  at: [number, number],
  { row = false, column = false }: Behind,
): tf.Tensor4D {
  const begin = [0, 0, 0, 0], size = [-1, -1, -1, -1];
  for (const [i, isOne] of [row, column].entries()) {
    if (!isOne) continue;
    begin[axis + i] = at[i]!;
    size[axis + i] = 1;
  }
  return row || column ? tf.slice(x, begin, size) as tf.Tensor4D : x;
}

/** What a 1 in an input channel becomes at the path's end. // [input, size, size, filters] */
function responseOf([first, ...others]: readonly UpConv2D[]): tf.Tensor4D {
  let response = tf.transpose(first!.kernel, [3, 0, 1, 2]) as tf.Tensor4D;
  for (const { kernel } of others) {
    const [input, size] = response.shape;
    const shape: Shape = [input, 2 * size + 1, 2 * size + 1, kernel.shape[2]!];
    response = tf.conv2dTranspose(response, kernel as tf.Tensor4D, shape, 2, "valid");
  }
  return response;
}

type Shape = [number, number, number, number];

/** The kernel of the whole, as transposed convolutions have it. // [height, width, filters, input] */
function compose(response: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor4D {
  const [rows, columns] = kernel.shape.map((length) => length - 1) as [number, number];
  const padded: tf.Tensor4D = tf.pad(response, [
    [0, 0],
    [rows, rows],
    [columns, columns],
    [0, 0],
  ]);
  return tf.transpose(tf.conv2d(padded, kernel, 1, "valid"), [1, 2, 3, 0]);
}

/** The transposed convolution with a composed kernel, or with one line of it. */
function enlarge(x: tf.Tensor4D, kernel: tf.Tensor4D, scale: number): tf.Tensor4D {
  const [batch, height, width] = x.shape;
  const [rows, columns, filters] = kernel.shape;
  // A single row or column stays one.
  const size = (length: number, kernel: number) => kernel === 1 ? 1 : scale * length;
  const kept: Shape = [batch, size(height, rows), size(width, columns), filters];
  // "same" keeps the right part for one doubling alone.
  if (scale === 2) return tf.conv2dTranspose(x, kernel, kept, scale, "same") as tf.Tensor4D;
  const whole = (length: number, kernel: number) => (length - 1) * scale + kernel;
  const shape: Shape = [batch, whole(height, rows), whole(width, columns), filters];
  const y = tf.conv2dTranspose(x, kernel, shape, scale, "valid");
  const first = (kernel: number) => kernel === 1 ? 0 : 1;
  return tf.slice(y, [0, first(rows), first(columns), 0], kept) as tf.Tensor4D;
}

/**
 * What the paths' biases are behind the second convolution: `[1, height, width, filters]`. It is
 * computed for small maps: only the outermost `scale` rows and columns differ from those inside, which
 * repeat.
 */
function biasBehind(
  paths: readonly UpPath[],
  kernel: tf.Tensor4D,
  [, height, width]: Shape,
): tf.Tensor4D {
  const scale = 2 ** Math.max(...paths.map(({ ups }) => ups.length));
  const [rows, columns] = [height, width].map((length) => Math.min(length, 3 * scale));
  const ends = paths.map(({ x, ups }) => {
    const own = 2 ** ups.length;
    const zeros: tf.Tensor4D = tf.zeros([1, rows! / own, columns! / own, x.shape[3]]);
    return ups.reduce((map, up) => up.apply(map), zeros);
  });
  const small = tf.conv2d(tf.concat(ends, -1) as tf.Tensor4D, kernel, 1, "same");
  return stretch(stretch(small, 1, height, scale), 2, width, scale);
}

/** A map with its middle repeated until an axis has the length. */
function stretch(x: tf.Tensor4D, axis: 1 | 2, length: number, scale: number): tf.Tensor4D {
  const small = x.shape[axis];
  if (small === length) return x;
  const from = Array.from({ length }, (_, i) => {
    if (i < scale) return i;
    return i < length - scale ? scale + i % scale : i - length + small;
  });
  return tf.gather(x, tf.tensor1d(from, "int32"), axis);
}

/** `y` less a row or column, in the place of `y`. */
function subtractAt(y: tf.Tensor4D, part: tf.Tensor4D, [row, column]: [number, number]) {
  const [batch, height, width, filters] = part.shape;
  const begin = [0, row, column, 0];
  const end = [batch, row + height, column + width, filters];
  const value = tf.sub(tf.slice(y, begin, part.shape), part);
  const places = [begin, end, [1, 1, 1, 1]].map((place) => tf.tensor1d(place, "int32"));
  return rawOp("TensorStridedSliceUpdate", [y, ...places, value], {
    T: { type: "float32" },
    Index: { type: "int32" },
    begin_mask: { int: 0 },
    end_mask: { int: 0 },
    ellipsis_mask: { int: 0 },
    new_axis_mask: { int: 0 },
    shrink_axis_mask: { int: 0 },
  })[0] as tf.Tensor4D;
}
