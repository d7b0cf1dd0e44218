import { join } from "node:path";
import { ByteCache } from "./byte_cache.ts";
import type { Excluded } from "./film.ts";
import { readGreyPng } from "./grey_png.ts";

/** What is known of a prepared film's annotation. */
export type Label = "positive" | "negative" | "unlabelled";

/** Films as small grey images with their masks, made by `prepare`. */
export class Prepared {
  /** Where the files are. */
  readonly folder: string;
  /** Rows and columns of every image and mask. */
  readonly size: number;
  /** SHA-256 of the recipe (version, size, contrast), the same for equal recipes. */
  readonly hash: string;
  /** SHA-256 over the ImageId and the content of each DICOM file that it was made from. */
  readonly sourceHash: string;
  /** Films whose pixels could not be used, and why. */
  readonly excluded: readonly Excluded[];
  readonly #labels: ReadonlyMap<string, Label>;
  readonly #cache: ByteCache;

  constructor(content: {
    folder: string;
    size: number;
    hash: string;
    sourceHash: string;
    excluded: readonly Excluded[];
    labels: ReadonlyMap<string, Label>;
    /** Bytes of decoded images and masks to keep in memory. */
    cacheBytes: number;
  }) {
    this.folder = content.folder;
    this.size = content.size;
    this.hash = content.hash;
    this.sourceHash = content.sourceHash;
    this.excluded = content.excluded;
    this.#labels = content.labels;
    this.#cache = new ByteCache(content.cacheBytes);
  }

  /** Whether a film is here: `films.filter((film) => prepared.has(film.imageId))`. */
  has(imageId: string): boolean {
    return this.#labels.has(imageId);
  }

  /**
   * Reads a film's image. The array may be kept for the next call: copy it before changing it.
   *
   * @returns Grey values 0 to 255, row-major. // [size * size]
   * @throws {RangeError} If there is no such film.
   */
  async readImage(imageId: string): Promise<Uint8Array> {
    this.#label(imageId);
    return await this.#read(`${imageId}.png`);
  }

  /**
   * Reads a film's mask. The array may be kept for the next call: copy it before changing it.
   *
   * @returns 0 or 255, row-major; all 0 for a film annotated as negative. // [size * size]
   * @throws {RangeError} If there is no such film, or it is not annotated.
   */
  async readMask(imageId: string): Promise<Uint8Array> {
    const label = this.#label(imageId);
    if (label === "unlabelled") {
      throw new RangeError(`Cannot read a mask as the film is not annotated: ${imageId}`);
    }
    if (label === "negative") return new Uint8Array(this.size * this.size);
    return await this.#read(`${imageId}.mask.png`);
  }

  #label(imageId: string): Label {
    const label = this.#labels.get(imageId);
    if (label === undefined) {
      throw new RangeError(
        `Cannot read a film as it was not prepared, check has() and excluded: ${imageId}`,
      );
    }
    return label;
  }

  async #read(name: string): Promise<Uint8Array> {
    const kept = this.#cache.get(name);
    if (kept !== undefined) return kept;
    const pixels = await readGreyPng(join(this.folder, name), this.size);
    this.#cache.set(name, pixels);
    return pixels;
  }
}
