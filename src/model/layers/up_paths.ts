import { tf } from "@/tensorflow/mod.ts";
import type { UpConv2D } from "./convolution.ts";
import { type WinogradTiles, winogradTiles } from "./winograd.ts";

/**
 * Maps of one size and the up-convolutions that bring each to a finer level, computed only where somebody
 * asks.
 */
export class UpPaths {
  readonly #before: UpPaths | undefined;
  #ends: readonly tf.Tensor4D[] | undefined;

  private constructor(
    /** Where the paths begin. */
    readonly start: JoinedMaps,
    /** Transposed 3x3 convolutions with stride 2: for each doubling, in order, one for each map. */
    readonly ups: readonly (readonly UpConv2D[])[],
    before?: UpPaths,
  ) {
    this.#before = before;
    if (!before) this.#ends = start.maps;
  }

  /** The paths that begin at maps. // `[batch, height, width, any]` */
  static from(...maps: tf.Tensor4D[]): UpPaths {
    return new UpPaths(new JoinedMaps(maps), []);
  }

  /**
   * These paths and one more doubling.
   *
   * @param ups One for each map.
   */
  up(...ups: UpConv2D[]): UpPaths {
    return new UpPaths(this.start, [...this.ups, ups], this);
  }

  /** How many rows and columns a pixel has become at the ends. */
  get scale(): number {
    return 2 ** this.ups.length;
  }

  /** What lies at the ends: `[batch, scale height, scale width, filters]` each, computed once. */
  ends(): readonly tf.Tensor4D[] {
    return this.#ends ??= this.#before!.ends().map((map, i) => this.ups.at(-1)![i]!.apply(map));
  }
}

/** Maps of one size side by side, in the forms in which they are read; each is computed once. */
export class JoinedMaps {
  #joined: tf.Tensor4D | undefined;
  #tiles: WinogradTiles | undefined;

  constructor(readonly maps: readonly tf.Tensor4D[]) {}

  /** `[batch, height, width, all channels]` */
  joined(): tf.Tensor4D {
    return this.#joined ??= this.maps.length === 1 ? this.maps[0]! : tf.concat([...this.maps], -1);
  }

  tiles(): WinogradTiles {
    return this.#tiles ??= winogradTiles(this.joined());
  }
}
