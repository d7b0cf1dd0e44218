import { Random } from "@/random/mod.ts";

/** Values at which sizes, signs and counts turn over. */
const NUMBERS = [0, 1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2 ** 31 - 1, 2 ** 32 - 1];
/** What stands in texts, or must not. */
const WORDS = [
  "-1",
  "0",
  "-0",
  "1e9",
  "9".repeat(40),
  "NaN",
  "null",
  "",
  " ",
  "\n",
  ",",
  '"',
  ":",
  "{}",
  "[]",
  "&a",
  "*a",
  "- ",
  "\t",
  "\0",
  "\u{feff}",
  "__proto__",
];

/**
 * Damages an input in one to four places, the same way for the same numbers: bits, bytes and numbers
 * changed; ranges cut out, repeated, zeroed, filled with noise, taken from another input.
 *
 * @param seeds Valid inputs; one of them is changed.
 * @param seed Of the whole run.
 * @param index Which input of the run.
 */
export function mutate(
  seeds: readonly Uint8Array[],
  seed: number,
  index: number,
): { bytes: Uint8Array; source: number } {
  const random = new Random(seed, "mutate", index);
  const source = random.integer(seeds.length);
  let bytes: Uint8Array = seeds[source]!.slice();
  for (let n = 1 + random.integer(4); n > 0; n--) {
    const change = CHANGES[random.integer(CHANGES.length)]!;
    bytes = change(bytes, random, seeds);
  }
  return { bytes, source };
}

type Change = (bytes: Uint8Array, random: Random, seeds: readonly Uint8Array[]) => Uint8Array;

const CHANGES: Change[] = [
  (bytes, random) => edit(bytes, random, 1, (part) => part[0]! ^= 1 << random.integer(8)),
  (bytes, random) => edit(bytes, random, 1, (part) => part[0] = random.integer(256)),
  (bytes, random) => {
    const size = [1, 2, 4][random.integer(3)]!;
    const number = pick(NUMBERS, random);
    const littleEndian = random.integer(2) === 0;
    return edit(bytes, random, size, (part) => {
      for (let i = 0; i < size; i++) {
        part[littleEndian ? i : size - 1 - i] = Math.floor(number / 2 ** (8 * i));
      }
    });
  },
  (bytes, random) => edit(bytes, random, length(random), (part) => part.fill(0)),
  (bytes, random) =>
    edit(bytes, random, length(random), (part) => {
      for (let i = 0; i < part.length; i++) part[i] = random.integer(256);
    }),
  (bytes, random) => bytes.slice(0, random.integer(bytes.length + 1)), // cut off
  (bytes, random) => { // cut out
    const at = random.integer(bytes.length + 1);
    return join(bytes.subarray(0, at), bytes.subarray(at + length(random)));
  },
  (bytes, random) => { // repeat
    const at = random.integer(bytes.length + 1);
    return join(bytes.subarray(0, at + length(random)), bytes.subarray(at));
  },
  (bytes, random) => { // insert a word, or put it in another's place
    const word = new TextEncoder().encode(pick(WORDS, random));
    const at = random.integer(bytes.length + 1);
    const dropped = random.integer(2) * word.length;
    return join(bytes.subarray(0, at), word, bytes.subarray(at + dropped));
  },
  (bytes, random, seeds) => { // go on as another one does
    const other = pick(seeds, random);
    return join(
      bytes.subarray(0, random.integer(bytes.length + 1)),
      other.subarray(random.integer(other.length + 1)),
    );
  },
];

function edit(
  bytes: Uint8Array,
  random: Random,
  length: number,
  change: (part: Uint8Array) => void,
): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = random.integer(bytes.length);
  change(bytes.subarray(at, at + length));
  return bytes;
}

/** Mostly short. */
function length(random: Random): number {
  return 1 + random.integer(2 ** random.integer(9));
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[random.integer(list.length)]!;
}

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}
