import type { DataSet } from "dicom-parser";

/** A table of a Modality LUT or VOI LUT Sequence (PS3.3, C.11.1 and C.11.2). */
export interface LookupTable {
  /** The value that the first entry is for. */
  first: number;
  /** For `first`, `first + 1`, ...; values outside get the first or the last one. */
  entries: Uint16Array;
  /** Bits of an entry: the highest one possible is `2^bits - 1`. */
  bits: number;
}

/** The entry for a value. */
export function lookUp({ first, entries }: LookupTable, value: number): number {
  return entries[Math.min(Math.max(Math.round(value) - first, 0), entries.length - 1)]!;
}

/**
 * Reads the first table of a LUT sequence.
 *
 * @param tag Of the sequence, for example "x00283010".
 * @param signed Whether the values that it is for may be negative, where its own type does not say.
 * @returns `undefined` if the file has no such sequence.
 * @throws {Error} If the table is damaged.
 */
export function readLookupTable(
  dataSet: DataSet,
  tag: string,
  signed: boolean,
): LookupTable | undefined {
  const sequence = dataSet.elements[tag];
  if (!sequence) return undefined;
  const item = sequence.items?.[0]?.dataSet;
  const descriptor = item?.elements.x00283002;
  const data = item?.elements.x00283006;
  if (!item || !descriptor || descriptor.length !== 6 || !data) {
    throw new Error("its lookup table has no descriptor or no data");
  }
  const isSigned = descriptor.vr === undefined ? signed : descriptor.vr === "SS";
  const count = item.uint16("x00283002", 0)! || 2 ** 16; // 0 stands for what does not fit
  const first = isSigned ? item.int16("x00283002", 1)! : item.uint16("x00283002", 1)!;
  const bits = item.uint16("x00283002", 2)!;
  if (bits < 8 || bits > 16) throw new Error(`its lookup table has entries of ${bits} bits`);
  const entries = new Uint16Array(count);
  if (data.length >= 2 * count) {
    for (let i = 0; i < count; i++) entries[i] = item.uint16("x00283006", i)!;
  } else if (bits === 8 && data.length >= count) { // some writers pack them
    entries.set(item.byteArray.subarray(data.dataOffset, data.dataOffset + count));
  } else {
    throw new Error(`its lookup table has ${data.length} bytes for ${count} entries`);
  }
  return { first, entries, bits };
}
