import { assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import {
  decodeSafetensors,
  encodeSafetensors,
  type Safetensors,
  SafetensorsError,
} from "@/files/mod.ts";

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

// Written by safetensors 0.8.0 for Python: safetensors.numpy.save({
//   "b/kernel": np.array([[1.5, -2.0, 3.25]], "float32"), "empty": np.zeros((0, 3), "float32"),
//   "scalar": np.array(0.5, "float32"), "a": np.array([7, -8], "int32")}, metadata={"größe": "256"})
const FROM_NUMPY = bytesOf(
  "EAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJncsO2w59lIjoiMjU2In0sImIva2VybmVsIjp7ImR0eXBlIjoiRjMyIi" +
    "wic2hhcGUiOlsxLDNdLCJkYXRhX29mZnNldHMiOlswLDEyXX0sImVtcHR5Ijp7ImR0eXBlIjoiRjMyIiwic2hhcGUi" +
    "OlswLDNdLCJkYXRhX29mZnNldHMiOlsxMiwxMl19LCJzY2FsYXIiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6W10sIm" +
    "RhdGFfb2Zmc2V0cyI6WzEyLDE2XX0sImEiOnsiZHR5cGUiOiJJMzIiLCJzaGFwZSI6WzJdLCJkYXRhX29mZnNldHMi" +
    "OlsxNiwyNF19fQAAwD8AAADAAABQQAAAAD8HAAAA+P///w==",
);
const IN_NUMPY: Safetensors = {
  tensors: new Map([
    ["b/kernel", { shape: [1, 3], data: Float32Array.of(1.5, -2, 3.25) }],
    ["empty", { shape: [0, 3], data: new Float32Array(0) }],
    ["scalar", { shape: [], data: Float32Array.of(0.5) }],
    ["a", { shape: [2], data: Int32Array.of(7, -8) }],
  ]),
  metadata: { größe: "256" },
};

// Likewise, of {"10": np.array([0.25], "float32"), "9": np.array([2], "float32")}: names that
// JavaScript puts in another order than the file has.
const NUMBERS_AS_NAMES = bytesOf(
  "cAAAAAAAAAB7IjEwIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbMCw0XX0sIjkiOn" +
    "siZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzFdLCJkYXRhX29mZnNldHMiOls0LDhdfX0gICAgAACAPgAAAEA=",
);

Deno.test("decodeSafetensors() reads what safetensors for Python wrote", () => {
  assertEquals(decodeSafetensors(FROM_NUMPY, "x"), IN_NUMPY);
  assertEquals(decodeSafetensors(NUMBERS_AS_NAMES, "x"), {
    tensors: new Map([
      ["10", { shape: [1], data: Float32Array.of(0.25) }],
      ["9", { shape: [1], data: Float32Array.of(2) }],
    ]),
    metadata: {},
  });
});

Deno.test("encodeSafetensors() writes the bytes that safetensors for Python writes", () => {
  assertEquals(encodeSafetensors(IN_NUMPY), FROM_NUMPY);
});

Deno.test("decodeSafetensors() gives back what encodeSafetensors() was given", () => {
  const special = [NaN, Infinity, -Infinity, -0, 2 ** -149, 3.4028234663852886e38];
  const files: Safetensors[] = [
    { tensors: new Map(), metadata: {} },
    IN_NUMPY,
    {
      tensors: new Map([
        ["z", { shape: [2, 3], data: Float32Array.from(special) }],
        ["2", { shape: [1], data: Int32Array.of(-(2 ** 31)) }],
        ["1", { shape: [1, 1], data: Float32Array.of(4) }],
        ["__proto__", { shape: [1], data: Float32Array.of(5) }],
        ['größe "of" 胸部\n', { shape: [], data: Float32Array.of(6) }],
        ["", { shape: [1], data: Int32Array.of(2 ** 31 - 1) }],
      ]),
      metadata: { epoch: "3", text: 'a\n"b" – ü' },
    },
  ];
  for (const file of files) {
    const bytes = encodeSafetensors(file);
    assertEquals(decodeSafetensors(bytes, "x"), file);
    const headerLength = new DataView(bytes.buffer).getUint32(0, true);
    assertEquals((8 + headerLength) % 8, 0, "values start at a multiple of 8 bytes");
  }
});

Deno.test("safetensors: views into larger buffers are read and written as what they show", () => {
  const numbers = Float32Array.of(9, 1, 2, 9);
  const tensors = new Map([["a", { shape: [2], data: numbers.subarray(1, 3) }]]);
  const bytes = encodeSafetensors({ tensors, metadata: {} });
  const shifted = new Uint8Array(bytes.length + 8);
  shifted.set(bytes, 3);
  const view = shifted.subarray(3, 3 + bytes.length);
  for (const given of [bytes, view, Buffer.from(view)]) {
    const { data } = decodeSafetensors(given, "x").tensors.get("a")!;
    assertEquals(data, Float32Array.of(1, 2));
    given.fill(0, given.length - 8);
    assertEquals(data, Float32Array.of(1, 2), "the values are a copy");
    given.set(bytes);
    given.set(new Uint8Array(Float32Array.of(1, 2).buffer), given.length - 8);
  }
});

Deno.test("encodeSafetensors() refuses what could not be read again", () => {
  const encode = (name: string, shape: number[]) =>
    encodeSafetensors({
      tensors: new Map([[name, { shape, data: new Float32Array(3) }]]),
      metadata: {},
    });
  assertThrows(() => encode("a", [2, 2]), RangeError, "a as it has 3 values for the shape [2, 2]");
  assertThrows(() => encode("a", []), RangeError, "a as it has 3 values for the shape []");
  assertThrows(() => encode("__metadata__", [3]), RangeError, "reserves its name: __metadata__");
});

/** A file with the given header and as many zero bytes behind it. */
function file(header: unknown, dataBytes = 0): Uint8Array {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (from: number, to: number, shape: unknown = [1], dtype: unknown = "F32") => ({
  dtype,
  shape,
  data_offsets: [from, to],
});

const withLength = (length: bigint, bytes = file({})) => {
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  return bytes;
};

const notUtf8 = file("{}  ");
notUtf8[10] = 0xff;

const DAMAGED: [name: string, bytes: Uint8Array, says: string][] = [
  ["nothing", new Uint8Array(0), "the file is too short: 0 bytes"],
  ["7 bytes", new Uint8Array(7), "the file is too short: 7 bytes"],
  ["no header", new Uint8Array(8), "its header is damaged"],
  ["header too long", withLength(3n), "its header does not lie in the file: 3 of 10 bytes"],
  ["header absurdly long", withLength(2n ** 64n - 1n), "its header does not lie in the file"],
  ["no JSON", file("{"), "its header is damaged"],
  ["no UTF-8", notUtf8, "its header is damaged"],
  ["a list", file([]), "its header is no JSON object"],
  ["null", file("null"), "its header is no JSON object"],
  ["metadata of numbers", file({ __metadata__: { a: 1 } }), "its metadata are no texts by name"],
  ["metadata in a list", file({ __metadata__: ["a"] }), "its metadata are no texts by name"],
  ["metadata null", file({ __metadata__: null }), "its metadata are no texts by name"],
  ["an entry that is null", file({ a: null }), "the entry of a is damaged: null"],
  ["an entry that is a text", file({ a: "F32" }), 'the entry of a is damaged: "F32"'],
  ["no offsets", file({ a: { dtype: "F32", shape: [1] } }, 4), "the entry of a is damaged: {"],
  [
    "one offset",
    file({ a: { ...entry(0, 4), data_offsets: [0] } }, 4),
    "the entry of a is damaged",
  ],
  ["a negative length", file({ a: entry(0, 4, [-1]) }, 4), "the entry of a is damaged"],
  ["half a length", file({ a: entry(0, 4, [0.5]) }, 4), "the entry of a is damaged"],
  ["a shape in words", file({ a: entry(0, 4, "1") }, 4), "the entry of a is damaged"],
  ["a type in numbers", file({ a: entry(0, 4, [1], 1) }, 4), "the entry of a is damaged"],
  ["another type", file({ a: entry(0, 4, [4], "F8_E5M2") }, 4), "type of a is not supported: F8"],
  ["a type of JavaScript's", file({ a: entry(0, 4, [1], "toString") }, 4), "is not supported: toS"],
  ["too few bytes", file({ a: entry(0, 4, [2]) }, 4), "a has 4 bytes for the shape [2]"],
  ["too many bytes", file({ a: entry(0, 8, [1]) }, 8), "a has 8 bytes for the shape [1]"],
  ["end before start", file({ a: entry(4, 0, [1]) }, 4), "a has -4 bytes for the shape [1]"],
  [
    "a hole",
    file({ a: entry(0, 4), b: entry(8, 12) }, 12),
    "the values of b start at 8 instead of 4",
  ],
  [
    "an overlap",
    file({ a: entry(0, 8, [2]), b: entry(4, 8) }, 8),
    "the values of b start at 4 instead of 8",
  ],
  ["values cut off", file({ a: entry(0, 8, [2]) }, 7), "the file ends before the values of a do"],
  ["bytes left over", file({ a: entry(0, 4) }, 6), "2 bytes follow its last tensor"],
  [
    "a duplicate",
    file(
      '{"a":' + JSON.stringify(entry(0, 4)) + ',"a":' +
        JSON.stringify(entry(4, 8)) + "}",
      8,
    ),
    "the values of a start at 4 instead of 0",
  ],
];

for (const [name, bytes, says] of DAMAGED) {
  Deno.test(`decodeSafetensors() refuses a damaged file: ${name}`, () => {
    const error = assertThrows(
      () => decodeSafetensors(bytes, "m.safetensors"),
      SafetensorsError,
      says,
    );
    assertEquals(error.message.startsWith("Cannot read the weights in m.safetensors as "), true);
  });
}

Deno.test("decodeSafetensors() refuses a file that was cut anywhere", () => {
  for (let length = 0; length < FROM_NUMPY.length; length++) {
    assertThrows(() => decodeSafetensors(FROM_NUMPY.slice(0, length), "x"), SafetensorsError);
  }
});

Deno.test("decodeSafetensors() widens 16-bit floats and leaves out what it is told to", () => {
  const header = JSON.stringify({
    half: { dtype: "F16", shape: [4], data_offsets: [0, 8] },
    brain: { dtype: "BF16", shape: [3], data_offsets: [8, 14] },
    count: { dtype: "I64", shape: [], data_offsets: [14, 22] },
    after: { dtype: "F32", shape: [1], data_offsets: [22, 26] },
  });
  const length = new TextEncoder().encode(header).length;
  const bytes = new Uint8Array(8 + length + 26);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(length), true);
  bytes.set(new TextEncoder().encode(header), 8);
  // IEEE 754: 1, -2, the largest 65504, the smallest 2^-24; upper halves of 1, -2.5 and pi.
  const words = [0x3c00, 0xc000, 0x7bff, 0x0001, 0x3f80, 0xc020, 0x4049];
  for (const [i, word] of words.entries()) view.setUint16(8 + length + 2 * i, word, true);
  view.setFloat32(8 + length + 22, 0.5, true);

  const { tensors } = decodeSafetensors(bytes, "x", { skip: (name) => name === "count" });
  assertEquals(
    tensors,
    new Map([
      ["half", { shape: [4], data: Float32Array.of(1, -2, 65504, 2 ** -24) }],
      ["brain", { shape: [3], data: Float32Array.of(1, -2.5, 3.140625) }],
      ["after", { shape: [1], data: Float32Array.of(0.5) }],
    ]),
  );
  const whole = () => decodeSafetensors(bytes, "x");
  assertThrows(whole, SafetensorsError, "the type of count is not supported: I64");
  const all = decodeSafetensors(bytes, "x", { skip: () => true });
  assertEquals(all.tensors.size, 0);
});
