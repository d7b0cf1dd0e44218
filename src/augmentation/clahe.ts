import { mirroredPlace, neighbouringTiles } from "@/data/mod.ts";
import { rawOp, tf } from "@/tensorflow/mod.ts";
import type { PhotometricTransform } from "./photometric.ts";
import { drawEach, type Range, withProbability } from "./random_draws.ts";
import { gather } from "./sampling_grid.ts";

/** Settings of {@linkcode clahe}. */
export interface ClaheOptions {
  /** Share of the images that are changed, in `[0, 1]`. */
  probability: number;
  /**
   * From where the most pixels of one grey value in a tile's histogram are drawn, in multiples of what
   * it would be if all grey values were equally frequent; above 0.
   */
  clipLimit: Range;
  /** Tiles along each axis, 1 to the side of the image. */
  tiles: number;
}

const LEVELS = 256;

/**
 * Contrast-limited adaptive histogram equalization (Zuiderveld, Graphics Gems IV, 1994) in 256 grey
 * levels, by the rules of OpenCV's `createCLAHE`; with `clipLimit` and `tiles` as the `CLAHE` of
 * Albumentations. It is what `data.contrast.kind: clahe` prepares, as tensor operations, with a clip
 * limit drawn for each image. It has no gradient.
 *
 * @throws {RangeError} If the image has fewer pixels along an axis than tiles.
 */
export function clahe({ probability, clipLimit, tiles }: ClaheOptions): PhotometricTransform {
  return (images, random) => {
    const [batch, height, width] = images.shape;
    if (tiles > Math.min(height, width)) {
      throw new RangeError(
        `Cannot apply CLAHE as tiles must be at most the side of ${height} x ${width} images: ${tiles}`,
      );
    }
    const drawn = drawEach(random, [batch, 1, 1, 1], clipLimit);
    // No clip limit is 0, so that 0 can stand for "left as it is".
    const limits = withProbability(random, probability, drawn, 0);
    const levels = tf.clipByValue(tf.round(tf.mul(images, LEVELS - 1)), 0, LEVELS - 1);
    const grey = tf.reshape(levels, [batch, height, width]) as tf.Tensor3D;
    const maps = greyMaps(grey, tf.reshape(limits, [batch, 1, 1]), tiles);
    const equalized = tf.div(tf.round(blend(grey, maps, tiles)), LEVELS - 1);
    return tf.where(tf.greater(limits, 0), tf.expandDims(equalized, -1), images) as tf.Tensor4D;
  };
}

/**
 * What each grey value of each tile becomes: its share, in the clipped histogram, of the pixels that
 * are as dark or darker.
 *
 * @param grey 0 to 255. // [batch, height, width]
 * @param limits Clip limits. // [batch, 1, 1]
 * @returns Grey values 0 to 255. // [batch, tiles * tiles, 256]
 */
function greyMaps(grey: tf.Tensor3D, limits: tf.Tensor, tiles: number): tf.Tensor {
  const [batch, height, width] = grey.shape;
  const rows = Math.ceil(height / tiles), columns = Math.ceil(width / tiles);
  const area = rows * columns;
  const covered = mirrorBeyond(mirrorBeyond(grey, 1, rows * tiles), 2, columns * tiles);
  const parted = tf.transpose(
    tf.reshape(covered, [batch, tiles, rows, tiles, columns]),
    [0, 1, 3, 2, 4],
  );
  const counts = tf.reshape(
    histograms(tf.reshape(tf.cast(parted, "int32"), [batch * tiles * tiles, area])),
    [batch, tiles * tiles, LEVELS],
  );

  const most = tf.maximum(tf.floor(tf.mul(limits, area / LEVELS)), 1);
  const clipped = tf.minimum(counts, most);
  const excess = tf.sum(tf.sub(counts, clipped), 2, true);
  const forEach = tf.floor(tf.div(excess, LEVELS));
  const rest = tf.sub(excess, tf.mul(forEach, LEVELS));
  // The rest goes, one by one, to grey levels that are equally far apart.
  const step = tf.floor(tf.div(LEVELS, tf.maximum(rest, 1)));
  const turn = tf.div(tf.range(0, LEVELS), step);
  const gets = tf.logicalAnd(tf.equal(turn, tf.floor(turn)), tf.less(turn, rest));
  const spread = tf.add(tf.add(clipped, forEach), tf.cast(gets, "float32"));

  const shares = tf.mul(tf.cumsum(spread, 2), (LEVELS - 1) / area);
  return tf.minimum(tf.round(shares), LEVELS - 1);
}

/** How often each grey level is in each row of `[rows, pixels]`, as `[rows, 256]` floats. */
function histograms(grey: tf.Tensor): tf.Tensor {
  const noWeights = tf.tensor1d([], "float32");
  return rawOp("DenseBincount", [grey, tf.scalar(LEVELS, "int32"), noWeights], {
    Tidx: { type: "int32" },
    T: { type: "float32" },
    binary_output: { bool: false },
  })[0]!;
}

/** Mirrors images at the end of an axis, so that it has `length` pixels. */
function mirrorBeyond(grey: tf.Tensor3D, axis: 1 | 2, length: number): tf.Tensor3D {
  const size = grey.shape[axis];
  if (length === size) return grey;
  const places = Array.from({ length }, (_, i) => mirroredPlace(i, size));
  return gather(grey, tf.tensor1d(places, "int32"), { axis }) as tf.Tensor3D;
}

/**
 * The mean of what the four tiles around each pixel make of it, by its distance from their centres.
 *
 * @param grey 0 to 255. // [batch, height, width]
 * @param maps `[batch, tiles * tiles, 256]`
 * @returns `[batch, height, width]`
 */
function blend(grey: tf.Tensor3D, maps: tf.Tensor, tiles: number): tf.Tensor {
  const [batch, height, width] = grey.shape;
  const flat = tf.reshape(maps, [-1]);
  const mapsOfImage = tiles * tiles * LEVELS;
  const firstOfImage = tf.range(0, batch * mapsOfImage, mapsOfImage, "int32");
  const inImage = tf.add(tf.cast(grey, "int32"), tf.reshape(firstOfImage, [batch, 1, 1]));
  const rows = neighbouringTiles(height, Math.ceil(height / tiles), tiles);
  const columns = neighbouringTiles(width, Math.ceil(width / tiles), tiles);
  const along = (values: number[], shape: number[], dtype: "int32" | "float32") =>
    tf.tensor(values, shape, dtype);
  const at = (row: "first" | "second", column: "first" | "second") => {
    const ofRow = rows.map((near) => near[row] * tiles * LEVELS);
    const ofColumn = columns.map((near) => near[column] * LEVELS);
    const tile = tf.add(
      along(ofRow, [1, height, 1], "int32"),
      along(ofColumn, [1, 1, width], "int32"),
    );
    return gather(flat, tf.add(inImage, tile));
  };
  const across = along(columns.map(({ weight }) => weight), [1, 1, width], "float32");
  const down = along(rows.map(({ weight }) => weight), [1, height, 1], "float32");
  const mix = (a: tf.Tensor, b: tf.Tensor, share: tf.Tensor) =>
    tf.add(tf.mul(a, tf.sub(1, share)), tf.mul(b, share));
  const upper = mix(at("first", "first"), at("first", "second"), across);
  const lower = mix(at("second", "first"), at("second", "second"), across);
  return mix(upper, lower, down);
}
