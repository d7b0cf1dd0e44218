import { afterwards, inFloat32, rawOp, tf } from "@/tensorflow/mod.ts";
import type { UpConv2D } from "./convolution.ts";
import type { JoinedMaps, UpPaths } from "./up_paths.ts";
import { winogradConvolution, winogradPays } from "./winograd.ts";

/**
 * `conv2d(concat(ends of the paths), kernel)` for inference, without making the large maps at the paths'
 * ends: transposed 3x3 convolutions with stride 2 and a 3x3 convolution behind them are together one
 * transposed convolution, 5x5 with stride 2 for one doubling, 9x9 with stride 4 for two. Where many
 * channels are doubled in size to make few of them, that saves most of the work.
 *
 * @param paths Their ends have one size; each has a doubling at least.
 * @param kernel `[3, 3, channels, filters]` of a convolution with "same" padding; the channels are those
 * of all ends, in order.
 * @returns `[batch, height, width, filters]`, with the size of the paths' ends.
 */
export function composedUpConvolution(
  paths: readonly UpPaths[],
  kernel: tf.Tensor4D,
): tf.Tensor4D {
  const channels = paths.map(({ ups }) => filtersOf(ups.at(-1)!));
  const total = (parts: number[]) => parts.reduce((sum, part) => sum + part);
  const kernels = tf.split(kernel, channels.map(total), 2) as tf.Tensor4D[];
  const bias = inFloat32(() => biasBehind(paths, kernel));
  return paths.reduce((sum, path, i) => addTo(sum, path, kernels[i]!), bias);
}

function filtersOf(ups: readonly UpConv2D[]): number[] {
  return ups.map(({ kernel }) => kernel.shape[2]!);
}

/** A sum and what paths add to it, but for their biases. */
function addTo(
  sum: tf.Tensor4D,
  { start, ups, scale }: UpPaths,
  kernel: tf.Tensor4D,
): tf.Tensor4D {
  const x = start.joined();
  const [, height, width] = x.shape;
  // Kernels are composed in float32, as with `freeze`, where it is done once.
  const kernels = tf.split(kernel, filtersOf(ups.at(-1)!), 2) as tf.Tensor4D[];
  const responses = start.maps.map((_, i) => inFloat32(() => responseOf(ups.map((up) => up[i]!))));
  const composed = (behind: Behind): tf.Tensor4D =>
    inFloat32(() => {
      const parts = responses.map((response, i) =>
        compose(lines(response, 1, [scale, scale], behind), lines(kernels[i]!, 0, [2, 2], behind))
      );
      return tf.concat(parts, 3) as tf.Tensor4D;
    });

  // Transposed convolutions make a row and a column more than they keep. The second convolution must
  // see zeros there: what it would see is computed apart and subtracted.
  const line = (behind: Behind) => {
    const kernel = composed(behind);
    return enlargeLine(lines(x, 1, [height - 1, width - 1], behind), kernel, scale);
  };
  const lastColumn = scale * width - 1;
  const beforeCorner: [number, number][] = [[0, 0], [0, 0], [lastColumn, 0], [0, 0]];
  // It is in the row and in the column.
  const corner = tf.pad(line({ row: true, column: true }), beforeCorner);
  const row = tf.sub(line({ row: true }), corner) as tf.Tensor4D;
  const y = subtractAt(addEnlarged(sum, start, composed({}), scale), row, [scale * height - 1, 0]);
  return subtractAt(y, line({ column: true }), [0, lastColumn]);
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
type Pair = [number, number];

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

/** A sum and the transposed convolution with a composed kernel. */
function addEnlarged(
  sum: tf.Tensor4D,
  start: JoinedMaps,
  kernel: tf.Tensor4D,
  scale: number,
): tf.Tensor4D {
  const x = start.joined();
  const [batch, height, width] = x.shape;
  const [size, , filters] = kernel.shape;
  const plain = inFloat32(() => asConvolution(kernel, [scale, scale]));
  if (winogradPays(x, plain)) {
    const { values, ...area } = start.tiles();
    // Two products at once take more time than one after the other.
    const tiles = { ...area, values: afterwards(values, sum) };
    return winogradConvolution(tiles, plain, { bias: tf.zeros([filters]), add: sum }, scale);
  }
  const kept: Shape = [batch, scale * height, scale * width, filters];
  // "same" keeps the right part for one doubling alone.
  if (scale === 2) return tf.add(sum, tf.conv2dTranspose(x, kernel, kept, scale, "same"));
  const whole = (length: number) => (length - 1) * scale + size;
  const shape: Shape = [batch, whole(height), whole(width), filters];
  const y = tf.conv2dTranspose(x, kernel, shape, scale, "valid");
  return tf.add(sum, tf.slice(y, [0, 1, 1, 0], kept));
}

/** The same for one row or column of the kernel, which a row or column of the map remains one by. */
function enlargeLine(x: tf.Tensor4D, kernel: tf.Tensor4D, scale: number): tf.Tensor4D {
  const [batch, height, width] = x.shape;
  const [rows, columns, filters] = kernel.shape;
  const [down, across] = [rows, columns].map((length) => length === 1 ? 1 : scale) as Pair;
  const plain = inFloat32(() => asConvolution(kernel, [down, across]));
  const y = tf.conv2d(x, plain, 1, "same");
  return tf.reshape(y, [batch, down * height, across * width, filters]);
}

/**
 * The kernel of the convolution with stride 1 that makes all pixels at once that a transposed one makes of
 * one: it holds zeros where a pixel does not look.
 *
 * @param kernel `[2 scale + 1 or 1, 2 scale + 1 or 1, filters, input]`
 * @param scales Down and across; 1 where the kernel has one line.
 * @returns `[3 or 1, 3 or 1, input, scales filters]`
 */
function asConvolution(kernel: tf.Tensor4D, [down, across]: Pair): tf.Tensor4D {
  const [rows, columns, filters, input] = kernel.shape;
  const taps = (lines: number) => lines === 1 ? 1 : 3;
  const before: [number, number][] = [[down - 1, 0], [across - 1, 0], [0, 0], [0, 0]];
  const split = [taps(rows), down, taps(columns), across, filters, input];
  // A transposed convolution looks the other way.
  const turned = tf.reverse(tf.reshape(tf.pad(kernel, before), split), [0, 2]);
  const shape: Shape = [taps(rows), taps(columns), input, down * across * filters];
  return tf.reshape(tf.transpose(turned, [0, 2, 5, 1, 3, 4]), shape);
}

/**
 * What the paths' biases are behind the second convolution: `[1, height, width, filters]`. It is
 * computed for small maps: only the outermost `scale` rows and columns differ from those inside, which
 * repeat.
 */
function biasBehind(
  paths: readonly UpPaths[],
  kernel: tf.Tensor4D,
): tf.Tensor4D {
  const [first] = paths;
  const [, ...size] = first!.start.maps[0]!.shape;
  const [height, width] = size.map((length) => first!.scale * length) as Pair;
  const scale = Math.max(...paths.map(({ scale }) => scale));
  const [rows, columns] = [height, width].map((length) => Math.min(length, 3 * scale));
  const ends = paths.flatMap((path) =>
    path.start.maps.map((map, i) => {
      const [down, across] = [rows!, columns!].map((length) => length / path.scale) as Pair;
      const zeros: tf.Tensor4D = tf.zeros([1, down, across, map.shape[3]]);
      return path.ups.reduce((map, ups) => ups[i]!.apply(map), zeros);
    })
  );
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
