/** A data element's value: text, a number, bytes as they are, or the items of a sequence. */
export type Value = string | number | Uint8Array | readonly (readonly Row[])[];

/** A data element to be written. Tags are in ascending order in a file and in an item. */
export type Row = [group: number, element: number, representation: string, value: Value];

/** Representations whose length takes four bytes, after two that are reserved (PS3.5, 7.1.2). */
const longRepresentations = new Set(["OB", "OW", "SQ"]);

/** Length of an item or sequence that is ended by a delimiter. */
export const UNDEFINED_LENGTH = 0xffffffff;

/**
 * A DICOM Part 10 file, explicit VR little endian.
 *
 * @param meta The file meta information without its group length, PS3.10, 7.1.
 * @param body What follows it, encoded.
 */
export function encodeFile(meta: readonly Row[], body: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const encoded = encodeRows(meta);
  return concatenate([
    new Uint8Array(128),
    new TextEncoder().encode("DICM"),
    encodeElement([0x0002, 0x0000, "UL", encoded.length]),
    encoded,
    ...body,
  ]);
}

/** Several data elements, one after the other. */
export function encodeRows(rows: readonly Row[]): Uint8Array<ArrayBuffer> {
  return concatenate(rows.map(encodeElement));
}

/**
 * A data element, explicit VR little endian.
 *
 * @throws {RangeError} If a text is not printable ASCII, or too long for its representation's header.
 */
export function encodeElement([group, element, representation, value]: Row): Uint8Array {
  const content = encodeValue(representation, value);
  const long = longRepresentations.has(representation);
  const header = new Uint8Array(long ? 12 : 8);
  const view = new DataView(header.buffer);
  view.setUint16(0, group, true);
  view.setUint16(2, element, true);
  header.set(new TextEncoder().encode(representation), 4);
  if (long) view.setUint32(8, content.length, true);
  else if (content.length > 0xffff) {
    throw new RangeError(
      `Cannot write a DICOM file as a ${representation} must have at most 65535 bytes: ` +
        `${content.length}`,
    );
  } else view.setUint16(6, content.length, true);
  return concatenate([header, content]);
}

/**
 * The header of an item (element 0xe000), of an item's end (0xe00d) or of a sequence's end (0xe0dd),
 * PS3.5, 7.5.
 */
export function encodeItemHeader(element: number, length: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xfffe, true);
  view.setUint16(2, element, true);
  view.setUint32(4, length, true);
  return bytes;
}

function encodeValue(representation: string, value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "number") return encodeNumber(representation, value);
  if (typeof value === "string") return encodeText(representation, value);
  return concatenate(value.flatMap((rows) => {
    const item = encodeRows(rows);
    return [encodeItemHeader(0xe000, item.length), item];
  }));
}

function encodeNumber(representation: string, value: number): Uint8Array {
  const bytes = new Uint8Array(representation === "US" ? 2 : 4);
  const view = new DataView(bytes.buffer);
  if (representation === "US") view.setUint16(0, value, true);
  else if (representation === "UL") view.setUint32(0, value, true);
  else {
    // AT: a tag is two numbers of 16 bits.
    view.setUint16(0, value >>> 16, true);
    view.setUint16(2, value & 0xffff, true);
  }
  return bytes;
}

function encodeText(representation: string, text: string): Uint8Array {
  if (!/^[\x20-\x7e]*$/.test(text)) {
    throw new RangeError(`Cannot write a DICOM file as text must be printable ASCII: "${text}"`);
  }
  const padding = representation === "UI" ? "\0" : " ";
  return new TextEncoder().encode(text.length % 2 === 0 ? text : text + padding);
}

/** Joins pieces of a file. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}
