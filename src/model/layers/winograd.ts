import { asInput, isConstant, oneKernel, tf, usesBfloat16 } from "@/tensorflow/mod.ts";
import { activate } from "./activation.ts";
import { canFuse, type FusedEpilogue } from "./onednn_convolution.ts";
import { winogradMatrices } from "./winograd_matrices.ts";

/** Rows and columns of the output that a tile makes. */
const TILE = 4;
const TAPS = 3;
/** Rows and columns that a tile reads. */
const POINTS = TILE + TAPS - 1;
/** Of those tried the numbers that lose least: a third of the usual 0, 1, -1, 2, -2. */
const MATRICES = winogradMatrices(TILE, TAPS, [0, 5 / 8, -5 / 8, 3 / 2, -3 / 2]);

/**
 * What it takes for the transforms to cost less than the products that are saved: each channel is
 * transformed for all filters, each filter's sums for all channels, and a kernel's 36 points are read for all
 * tiles; two kernels more are called.
 */
const LEAST = { channels: 128, filters: 32, tiles: 64, products: 2 ** 21 };

/**
 * Whether a 3x3 convolution is faster by Winograd's method: in a traced function on a CPU with oneDNN, in
 * float32 (bfloat16 would lose too much), with a kernel that is a constant, as that must be
 * transformed as well.
 *
 * @param x `[batch, height, width, channels]`
 * @param kernel `[height, width, channels, filters]`
 */
export function winogradPays(x: tf.Tensor4D, kernel: tf.Tensor4D): boolean {
  const [rows, columns, channels, filters] = kernel.shape;
  const [batch, height, width] = x.shape;
  const tiles = batch * tilesAlong(height) * tilesAlong(width);
  const isLarge = channels >= LEAST.channels && filters >= LEAST.filters &&
    tiles >= LEAST.tiles && channels * filters * tiles >= LEAST.products;
  return rows === TAPS && columns === TAPS && isLarge && canFuse() && !usesBfloat16() &&
    isConstant(kernel);
}

/** A map cut into overlapping tiles of 6x6, transformed for Winograd's method. */
export interface WinogradTiles {
  /** Rows and columns of the map. */
  height: number;
  width: number;
  /** `[36, batch * tiles down * tiles across, channels]` */
  values: tf.Tensor3D;
}

type Shape = [number, number, number, number];

/** @param x `[batch, height, width, channels]` */
export function winogradTiles(x: tf.Tensor4D): WinogradTiles {
  const [, height, width] = x.shape;
  const [values] = oneKernel("winograd_tiles", [x], (x) => [transformTiles(x as tf.Tensor4D)]);
  return { height, width, values: values as tf.Tensor3D };
}

/**
 * A 3x3 convolution with stride 1, "same" padding and what follows, by Winograd's method: `F(4x4, 3x3)`
 * of Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks", has a quarter of the products.
 *
 * @param kernel `[3, 3, channels, scale scale filters]`
 * @param scale Rows and columns that a pixel of the map becomes: its channels are laid out as that
 * many rows of that many pixels. Default: 1.
 * @returns `[batch, scale height, scale width, filters]`
 */
export function winogradConvolution(
  { height, width, values }: WinogradTiles,
  kernel: tf.Tensor4D,
  { bias, add, activation }: FusedEpilogue,
  scale = 1,
): tf.Tensor4D {
  const products = tf.matMul(values, asInput(tf.tidy(() => transformKernel(kernel))));
  const name = `winograd_map ${height} ${width} ${scale} ${JSON.stringify(activation)}`;
  const inputs = [products, bias, ...(add ? [add] : [])];
  const [y] = oneKernel(name, inputs, (products, bias, add) => {
    const map = transformMap(products as tf.Tensor3D, { height, width, scale });
    const biased: tf.Tensor4D = tf.add(map, bias!);
    return [activate(add ? tf.add(biased, add) : biased, activation)];
  });
  return y as tf.Tensor4D;
}

/** `[batch, height, width, channels]` to `[36, batch * tiles down * tiles across, channels]`. */
function transformTiles(x: tf.Tensor4D): tf.Tensor3D {
  const [batch, height, width, channels] = x.shape;
  const [down, across] = [tilesAlong(height), tilesAlong(width)];
  // A row of zeros before, and what the last tile reads behind.
  const behind = (tiles: number, length: number) => TILE * tiles + 1 - length;
  const padded = tf.pad(x, [[0, 0], [1, behind(down, height)], [1, behind(across, width)], [0, 0]]);
  // [6, batch, rows, across, channels], then [6, 6, batch, down, across, channels]
  const columns = tf.stack(combine(MATRICES.input, everyTile(padded, 2, across)));
  const tiles = tf.stack(combine(MATRICES.input, everyTile(columns, 2, down)));
  return tf.reshape(tiles, [POINTS * POINTS, batch * down * across, channels]);
}

/** `[36, batch * tiles down * tiles across, scale scale filters]` to the map. */
function transformMap(
  products: tf.Tensor3D,
  { height, width, scale }: { height: number; width: number; scale: number },
): tf.Tensor4D {
  const [, count, depth] = products.shape;
  const [down, across] = [tilesAlong(height), tilesAlong(width)];
  const batch = count / (down * across);
  const tiles = tf.reshape(products, [POINTS, POINTS, batch * down, across, depth]);
  // [6, batch * down, 4, across, depth], then [batch * down, 4, across, 4, depth]
  const rows = tf.stack(combine(MATRICES.output, tf.unstack(tiles)), 2);
  const map = tf.stack(combine(MATRICES.output, tf.unstack(rows)), 3);
  const whole: tf.Tensor4D = tf.reshape(map, [batch, TILE * down, TILE * across, depth]);
  const shape: Shape = [batch, height, width, depth];
  const cut = tf.util.arraysEqual(whole.shape, shape)
    ? whole
    : tf.slice(whole, [0, 0, 0, 0], shape);
  if (scale === 1) return cut;
  const split = tf.reshape(cut, [batch * height, width, scale, depth / scale]);
  const filters = depth / (scale * scale);
  return tf.reshape(tf.transpose(split, [0, 2, 1, 3]), [
    batch,
    scale * height,
    scale * width,
    filters,
  ]);
}

/** `[3, 3, channels, filters]` to `[36, channels, filters]`. */
function transformKernel(kernel: tf.Tensor4D): tf.Tensor3D {
  const [, , channels, filters] = kernel.shape;
  const matrix = tf.tensor2d(MATRICES.kernel);
  const rows = tf.matMul(matrix, tf.reshape(kernel, [TAPS, TAPS * channels * filters]));
  const points = tf.matMul(
    tf.tile(tf.expandDims(matrix, 0), [POINTS, 1, 1]) as tf.Tensor3D,
    tf.reshape(rows, [POINTS, TAPS, channels * filters]) as tf.Tensor3D,
  );
  return tf.reshape(points, [POINTS * POINTS, channels, filters]);
}

function tilesAlong(length: number): number {
  return Math.ceil(length / TILE);
}

/** The first, second, ... line of every tile along an axis. */
function everyTile(x: tf.Tensor, axis: number, tiles: number): tf.Tensor[] {
  return Array.from({ length: POINTS }, (_, line) => {
    const begin = x.shape.map((_, i) => i === axis ? line : 0);
    const end = x.shape.map((length, i) => i === axis ? line + TILE * (tiles - 1) + 1 : length);
    const strides = x.shape.map((_, i) => i === axis ? TILE : 1);
    return tf.stridedSlice(x, begin, end, strides);
  });
}

/** A matrix times a vector of tensors. */
function combine(matrix: number[][], parts: tf.Tensor[]): tf.Tensor[] {
  return matrix.map((row) => {
    const terms = row.flatMap((factor, i) => factor === 0 ? [] : [tf.mul(parts[i]!, factor)]);
    return terms.reduce((sum, term) => tf.add(sum, term));
  });
}
