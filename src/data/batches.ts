import { prefetch } from "./prefetch.ts";
import type { Prepared } from "./prepared.ts";

/** Images of some films. */
export interface ImageBatch {
  /** Place in the epoch, from 0. */
  index: number;
  /** How many films. */
  count: number;
  /** Rows and columns. */
  size: number;
  imageIds: string[];
  /** Grey values 0 to 1. // [count, size, size, 1] */
  images: Float32Array;
}

/** Images with their masks. */
export interface Batch extends ImageBatch {
  /** 0 or 1. // [count, size, size, 1] */
  masks: Float32Array;
}

/** How an order of films is cut into batches. */
export interface BatchOptions {
  /** Films in a batch. */
  batchSize: number;
  /** Batches that are decoded ahead (default 2). */
  prefetch?: number;
  /** Index of the first batch, to go on within an epoch (default 0). */
  start?: number;
  /**
   * The part of each batch that is read, where processes share it in equal parts: part `index` of
   * `count` (default: all of it).
   */
  share?: { index: number; count: number };
  /** Whether a last batch of fewer films is left out (default false). */
  dropRemainder?: boolean;
}

/**
 * How many batches an order of films gives.
 *
 * @throws {RangeError} If the batch size is not a positive integer.
 */
export function batchCount(
  films: number,
  { batchSize, dropRemainder = false }: Pick<BatchOptions, "batchSize" | "dropRemainder">,
): number {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(
      `Cannot make batches as batchSize must be a positive integer: ${batchSize}`,
    );
  }
  return dropRemainder ? Math.floor(films / batchSize) : Math.ceil(films / batchSize);
}

/**
 * The batches of an epoch, images with masks, decoded ahead of the consumer.
 *
 * @param prepared Where images and masks come from.
 * @param order The films in the epoch's order, see `epochOrder`.
 * @throws {RangeError} At once if an option is out of range or there is no batch; from the iteration
 * if a film was not prepared or is not annotated.
 */
export function batches(
  prepared: Pick<Prepared, "size" | "readImage" | "readMask">,
  order: readonly { imageId: string }[],
  options: BatchOptions,
): AsyncGenerator<Batch, void, void> {
  return cut(order, options, async (index, imageIds) => {
    const [images, masks] = await Promise.all([
      gather(imageIds, prepared.size, (id) => prepared.readImage(id)),
      gather(imageIds, prepared.size, (id) => prepared.readMask(id)),
    ]);
    return { index, count: imageIds.length, size: prepared.size, imageIds, images, masks };
  });
}

/**
 * Batches of images alone, for films that are not annotated; otherwise as {@linkcode batches}.
 *
 * @param prepared Where images come from.
 * @param order The films, in any order.
 */
export function imageBatches(
  prepared: Pick<Prepared, "size" | "readImage">,
  order: readonly { imageId: string }[],
  options: BatchOptions,
): AsyncGenerator<ImageBatch, void, void> {
  return cut(order, options, async (index, imageIds) => {
    const images = await gather(imageIds, prepared.size, (id) => prepared.readImage(id));
    return { index, count: imageIds.length, size: prepared.size, imageIds, images };
  });
}

function cut<T>(
  order: readonly { imageId: string }[],
  options: BatchOptions,
  make: (index: number, imageIds: string[]) => Promise<T>,
): AsyncGenerator<T, void, void> {
  const { batchSize, prefetch: ahead = 2, start = 0, share = { index: 0, count: 1 } } = options;
  const end = batchCount(order.length, options);
  if (batchSize % share.count !== 0) {
    throw new RangeError(
      `Cannot share batches as ${batchSize} films do not part into ${share.count} equal parts`,
    );
  }
  if (end === 0) {
    throw new RangeError(
      `Cannot make batches as ${order.length} films do not fill one of ${batchSize}`,
    );
  }
  if (!Number.isInteger(ahead) || ahead < 0) {
    throw new RangeError(`Cannot make batches as prefetch must be an integer >= 0: ${ahead}`);
  }
  if (!Number.isInteger(start) || start < 0 || start > end) {
    throw new RangeError(`Cannot make batches as start must be an integer in 0..${end}: ${start}`);
  }
  return prefetch(start, end, ahead, (index) => {
    const batch = order.slice(index * batchSize, (index + 1) * batchSize);
    const part = batchSize / share.count;
    const films = share.count === 1
      ? batch
      : batch.slice(share.index * part, (share.index + 1) * part);
    return make(index, films.map((film) => film.imageId));
  });
}

/** The pixels of several films one after another, 0 to 255 made 0 to 1. */
async function gather(
  imageIds: readonly string[],
  size: number,
  read: (imageId: string) => Promise<Uint8Array>,
): Promise<Float32Array> {
  const area = size * size;
  const gathered = new Float32Array(imageIds.length * area); // [count, size, size, 1]
  await Promise.all(imageIds.map(async (imageId, place) => {
    const pixels = await read(imageId);
    for (let i = 0; i < area; i++) gathered[place * area + i] = pixels[i]! / 255;
  }));
  return gathered;
}
