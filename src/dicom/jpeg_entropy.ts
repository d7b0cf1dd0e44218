import type { HuffmanTable } from "./jpeg_stream.ts";

const LONGEST_CODE = 16;

/** For every 16 bits the code that they begin with: `length << 8 | value`, or 0 for none. */
export type HuffmanLookup = Uint16Array; // [65536]

/**
 * Makes a lookup of a Huffman table (ITU-T T.81, annex C).
 *
 * @throws {Error} If there is no such table, or it has more codes than fit.
 */
export function huffmanLookup(table: HuffmanTable | undefined): HuffmanLookup {
  if (!table) throw new Error("a Huffman table is missing");
  const lookup = new Uint16Array(1 << LONGEST_CODE);
  let start = 0;
  let at = 0;
  table.counts.forEach((count, i) => {
    const length = i + 1;
    const width = 1 << (LONGEST_CODE - length);
    for (let n = 0; n < count; n++) {
      if (start + width > lookup.length) throw new Error("a Huffman table has too many codes");
      lookup.fill((length << 8) | table.values[at++]!, start, start + width);
      start += width;
    }
  });
  return lookup;
}

/** Reads the entropy-coded bits of one scan. */
export class EntropyReader {
  readonly #bytes: Uint8Array;
  #at: number;
  /** The next bits, at its lower end; below the real ones stand zeros for those that are missing. */
  #bits = 0;
  #count = 0;
  /** How many of the bits are not in the file. */
  #missing = 0;

  /**
   * @param bytes The whole stream.
   * @param start Its first entropy-coded byte.
   */
  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#at = start;
  }

  /**
   * Reads a code and returns its value.
   *
   * @throws {Error} If the bits are no code, or the scan ends.
   */
  code(lookup: HuffmanLookup): number {
    const entry = lookup[this.#peek16()]!;
    if (entry === 0) throw new Error("its bits are no code of its Huffman table");
    this.#drop(entry >> 8);
    return entry & 0xff;
  }

  /**
   * Reads a difference of `size` bits (T.81, F.2.2.1, EXTEND): those whose first bit is 0 are
   * negative.
   *
   * @param size 0 to 16.
   */
  difference(size: number): number {
    if (size === 0) return 0;
    const value = this.#peek16() >>> (16 - size);
    this.#drop(size);
    return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
  }

  /**
   * Passes a restart marker; bits before it are padding.
   *
   * @throws {Error} If none is here.
   */
  restart(): void {
    this.#bits = this.#count = this.#missing = 0;
    const marker = this.#bytes[this.#at + 1] ?? 0;
    if (this.#bytes[this.#at] !== 0xff || marker < 0xd0 || marker > 0xd7) {
      throw new Error("a restart marker is missing");
    }
    this.#at += 2;
  }

  #peek16(): number {
    while (this.#count < 16) {
      const byte = this.#bytes[this.#at];
      const next = this.#bytes[this.#at + 1];
      if (byte === undefined || (byte === 0xff && next !== 0)) { // the end, or a marker
        this.#missing += 8;
        this.#bits = (this.#bits & 0xffff) << 8;
      } else {
        this.#at += byte === 0xff ? 2 : 1; // a zero is stuffed after FF
        this.#bits = ((this.#bits & 0xffff) << 8) | byte;
      }
      this.#count += 8;
    }
    return (this.#bits >>> (this.#count - 16)) & 0xffff;
  }

  #drop(count: number): void {
    this.#count -= count;
    if (this.#count < this.#missing) throw new Error("its data end before its pixels do");
  }
}
