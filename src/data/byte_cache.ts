/** Keeps byte arrays up to a total size; those that were not asked for the longest go first. */
export class ByteCache {
  readonly #limit: number;
  readonly #entries = new Map<string, Uint8Array>();
  #size = 0;

  /**
   * @param limit Bytes to keep at most; 0 keeps nothing.
   * @throws {RangeError} If the limit is negative.
   */
  constructor(limit: number) {
    if (!(limit >= 0)) {
      throw new RangeError(`Cannot make a cache as its limit must be >= 0 bytes: ${limit}`);
    }
    this.#limit = limit;
  }

  /** Bytes that are kept. */
  get size(): number {
    return this.#size;
  }

  get(key: string): Uint8Array | undefined {
    const bytes = this.#entries.get(key);
    if (bytes !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, bytes);
    }
    return bytes;
  }

  /** Keeps an array, unless it is larger than the limit by itself. */
  set(key: string, bytes: Uint8Array): void {
    this.#delete(key);
    if (bytes.length > this.#limit) return;
    this.#entries.set(key, bytes);
    this.#size += bytes.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#limit) return;
      this.#delete(oldest);
    }
  }

  #delete(key: string): void {
    this.#size -= this.#entries.get(key)?.length ?? 0;
    this.#entries.delete(key);
  }
}
