import type { Pointer } from "./c_api.ts";

/** As many tensors can be alive at the same time. */
const PLACES = 2 ** 20;

/**
 * TensorFlow's handles by the numbers of their tensors. A number is given once: that of a disposed
 * tensor finds nothing.
 *
 * It is no `Map`, as V8 makes the table of a map anew when entries come and go, and links each outgrown
 * table to the next one: a table that has grown old then keeps all that follow, and the handles in
 * them, until the whole heap is collected. A training step would leave 10 kB behind.
 */
export class HandleTable {
  /** What stands at each place, and the number it has. */
  readonly #handles: (Pointer | undefined)[] = [];
  readonly #numbers: number[] = [];
  readonly #freePlaces: number[] = [];

  /** How many handles there are. */
  get size(): number {
    return this.#handles.length - this.#freePlaces.length;
  }

  /**
   * Takes a handle in.
   *
   * @returns The number of its tensor.
   * @throws {RangeError} If too many are there.
   */
  add(handle: Pointer): number {
    const place = this.#freePlaces.pop() ?? this.#handles.length;
    if (place >= PLACES) {
      throw new RangeError(
        `Cannot make a tensor as ${PLACES} are alive already: dispose of them, or use tf.tidy`,
      );
    }
    const number = (this.#numbers[place] ?? place) + PLACES;
    this.#handles[place] = handle;
    this.#numbers[place] = number;
    return number;
  }

  /** The handle of a tensor, unless it was deleted or never there. */
  get(number: number): Pointer | undefined {
    const place = number % PLACES;
    return this.#numbers[place] === number ? this.#handles[place] : undefined;
  }

  /** Forgets a handle; its place is used again. */
  delete(number: number): void {
    if (this.get(number) === undefined) return;
    const place = number % PLACES;
    this.#handles[place] = undefined;
    this.#freePlaces.push(place);
  }
}
