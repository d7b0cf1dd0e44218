import sharp from "sharp";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import type { Frame } from "@/dicom/frame.ts";
import {
  decodeJpegBaseline,
  decodeJpegExtended,
  decodeJpegLossless,
  NoDecoderError,
} from "@/dicom/jpeg.ts";
import { encodeJpeg, parseDicom } from "@/dicom/mod.ts";
import { TurboJpeg, turboJpeg, turboJpegProblem } from "@/dicom/turbojpeg.ts";
import { Random } from "@/random/mod.ts";
import vectors from "./vectors.json" with { type: "json" };

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const frameOf = (columns: number, rows: number): Frame => {
  return { rows, columns, bitsAllocated: 8, bitsStored: 8, signed: false };
};

/** A picture like a film: smooth, with noise, and edges that ring below 0 and above 255. */
function picture(width: number, height: number, seed = 1): Uint8Array {
  const random = new Random(seed, "picture");
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const x = i % width, y = Math.floor(i / width);
    if ((x >> 4) % 5 === 0) return y % 2 === 0 ? 255 : 0;
    return Math.round(120 + 90 * Math.sin(x / 9) * Math.cos(y / 11) + 20 * random.uniform());
  });
}

async function withSharp(jpeg: Uint8Array): Promise<number[]> {
  const { data, info } = await sharp(jpeg).extractChannel(0).raw()
    .toBuffer({ resolveWithObject: true });
  assertEquals(info.channels, 1);
  return [...data];
}

/** The compressed stream of a file of vectors.json. */
function streamOf(name: string): { stream: Uint8Array; frame: Frame } {
  const file = parseDicom(bytesOf(vectors.find((vector) => vector.name === name)!.base64!), name);
  const { position, length } = file.pixelData.fragments![0]!;
  const { rows, columns, bitsAllocated, bitsStored, signed } = file.metadata;
  return {
    stream: file.dataSet.byteArray.slice(position, position + length),
    frame: {
      rows,
      columns,
      bitsAllocated: bitsAllocated as 8 | 16,
      bitsStored: bitsStored!,
      signed,
    },
  };
}

const progressive = await sharp(picture(65, 33), { raw: { width: 65, height: 33, channels: 1 } })
  .toColourspace("b-w").jpeg({ progressive: true }).toBuffer();
const streams: [what: string, jpeg: Uint8Array, width: number, height: number][] = [
  ["1 x 1", await encodeJpeg(picture(1, 1), 1, 1), 1, 1],
  ["7 x 9, quality 100", await encodeJpeg(picture(7, 9), 7, 9, 100), 7, 9],
  ["200 x 40, quality 20", await encodeJpeg(picture(200, 40), 200, 40, 20), 200, 40],
  ["1024 x 1024", await encodeJpeg(picture(1024, 1024), 1024, 1024), 1024, 1024],
  ["progressive", progressive, 65, 33],
  [
    "with restart markers",
    bytesOf(vectors.find(({ name }) => name === "restart markers")!.jpeg!),
    17,
    11,
  ],
];

Deno.test({
  name: "libjpeg-turbo is found on Linux",
  ignore: Deno.build.os !== "linux",
  fn() {
    assert(turboJpeg);
    assertEquals(turboJpegProblem, null);
  },
});

for (const [what, jpeg, width, height] of streams) {
  Deno.test(`decodeJpegBaseline() gives libvips's pixels, with and without libjpeg-turbo: ${what}`, async () => {
    const expected = await withSharp(jpeg);
    assertEquals(expected.length, width * height);
    for (const library of [turboJpeg, null]) {
      const pixels = await decodeJpegBaseline(jpeg, frameOf(width, height), library);
      assert(pixels instanceof Uint8Array);
      assertEquals([...pixels], expected);
    }
  });
}

Deno.test("without libjpeg-turbo what sharp cannot decode is refused", async () => {
  const lossless = streamOf("JPEG Lossless, noise of 8 bits");
  const extended = streamOf("JPEG Extended, 12 bits, quality 95");
  for (
    const decode of [
      () => decodeJpegLossless(lossless.stream, lossless.frame, null),
      () => decodeJpegExtended(extended.stream, extended.frame, null),
    ]
  ) {
    await assertRejects(decode, NoDecoderError, "libjpeg-turbo, which it needs, cannot be used");
  }
  const { stream, frame } = streamOf("JPEG Extended, 8 bits");
  assertEquals(
    await decodeJpegExtended(stream, frame, null),
    await decodeJpegExtended(stream, frame),
  );
});

Deno.test("TurboJpeg.open() says why a library cannot be used", async () => {
  const text = await Deno.makeTempFile({ suffix: ".so" });
  try {
    await Deno.writeTextFile(text, "no library");
    for (const path of ["/no/such/library.so", text]) {
      const { message } = assertThrows(() => TurboJpeg.open(path), Error, path);
      assertMatch(message, /^Cannot use libjpeg-turbo as \S/);
    }
  } finally {
    await Deno.remove(text);
  }
});

Deno.test("TurboJpeg decodes many streams at the same time, each to its own pixels", async () => {
  const sizes = Array.from({ length: 40 }, (_, i) => [20 + 3 * i, 150 - 2 * i] as const);
  const jpegs = await Promise.all(
    sizes.map(([width, height], i) => encodeJpeg(picture(width, height, i), width, height)),
  );
  const expected = await Promise.all(jpegs.map(withSharp));
  const all = await Promise.all(jpegs.map((jpeg, i) => {
    const [width, height] = sizes[i]!;
    const copy = jpeg.slice();
    const decoded = decodeJpegBaseline(copy, frameOf(width, height));
    copy.fill(0); // it has been taken over
    return decoded;
  }));
  all.forEach((pixels, i) => assertEquals([...pixels], expected[i]));
});

Deno.test("TurboJpeg takes no tables from the stream before", async () => {
  const [, jpeg, width, height] = streams[2]!;
  const at = jpeg.findIndex((byte, i) => byte === 0xff && jpeg[i + 1] === 0xdb);
  const end = at + 2 + (jpeg[at + 2]! << 8) + jpeg[at + 3]!;
  const without = Uint8Array.of(...jpeg.subarray(0, at), ...jpeg.subarray(end));
  for (let i = 0; i < 3; i++) {
    await decodeJpegBaseline(jpeg, frameOf(width, height));
    await assertRejects(
      () => decodeJpegBaseline(without, frameOf(width, height)),
      Error,
      "Quantization table 0x00 was not defined",
    );
  }
});

Deno.test("TurboJpeg refuses a stream that is not as it was said to be", async () => {
  const [, jpeg] = streams[2]!; // 200 x 40
  const header = { width: 200, height: 40, components: 1, precision: 8 };
  for (
    const other of [{ width: 100 }, { height: 20 }, { width: 40, height: 200 }, { precision: 12 }]
  ) {
    await assertRejects(
      () => turboJpeg!.decode(jpeg, { ...header, ...other }),
      Error,
      "its header can be read in two ways",
    );
  }
});

/** A progressive stream of one grey block that sends each coefficient by itself, and once more refined. */
function slowly(refined: number): Uint8Array {
  const segment = (marker: number, ...content: number[]) => {
    return [0xff, marker, 0, content.length + 2, ...content];
  };
  // The only code is 00: no difference, no coefficient.
  const table = (id: number) => [id, 0, 1, ...new Array(14).fill(0), 0];
  const scan = (k: number, high: number, low: number) => {
    return [...segment(0xda, 1, 1, 0, k, k, high << 4 | low), 0b0011_1111];
  };
  const coefficients = Array.from({ length: 63 }, (_, i) => i + 1);
  return Uint8Array.from([
    ...[0xff, 0xd8],
    ...segment(0xdb, 0, ...new Array(64).fill(1)),
    ...segment(0xc2, 8, 0, 8, 0, 8, 1, 1, 0x11, 0),
    ...segment(0xc4, ...table(0x00), ...table(0x10)),
    ...scan(0, 0, 0),
    ...coefficients.flatMap((k) => scan(k, 0, 1)),
    ...coefficients.slice(0, refined).flatMap((k) => scan(k, 1, 0)),
    ...[0xff, 0xd9],
  ]);
}

Deno.test("TurboJpeg refuses a progressive stream of more than 100 scans", async () => {
  const grey = await decodeJpegBaseline(slowly(36), frameOf(8, 8));
  assertEquals([...grey], new Array(64).fill(128));
  await assertRejects(() => decodeJpegBaseline(slowly(37), frameOf(8, 8)), Error, "100 scans");
});

Deno.test("TurboJpeg keeps no memory of what it refuses, nor of what it decodes", async () => {
  const [, jpeg, width, height] = streams[3]!; // 1 MiB of pixels
  const early = Uint8Array.of(...jpeg.subarray(0, 2000), 0xff, 0xd9);
  const some = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await assertRejects(
        () => decodeJpegBaseline(early, frameOf(width, height)),
        Error,
        "premature",
      );
      await decodeJpegBaseline(jpeg, frameOf(width, height));
    }
  };
  await some(30);
  const before = Deno.memoryUsage();
  await some(150);
  const after = Deno.memoryUsage();
  const grown = (after.rss - after.external - before.rss + before.external) / 2 ** 20;
  assert(grown < 75, `${grown} MiB for 300 streams of 1 MiB`);
});

Deno.test("a program that fails while films are decoded ends with its error", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [, jpeg, width, height] = streams[3]!;
    await Deno.writeFile(`${folder}/film.jpg`, jpeg);
    const program = `
      import { decodeJpegBaseline } from "@/dicom/jpeg.ts";
      const jpeg = Deno.readFileSync(Deno.args[0]);
      const frame = ${JSON.stringify(frameOf(width, height))};
      for (let i = 0; i < 8; i++) void decodeJpegBaseline(jpeg, frame);
      await new Promise((done) => setTimeout(done, 1));
      throw new Error("for another reason");
    `;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    await Promise.all(Array.from({ length: 4 }, async (_, i) => {
      const path = `${folder}/${i}.ts`;
      await Deno.writeTextFile(path, program);
      const { code, signal, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", "--config", config, path, `${folder}/film.jpg`],
        stdin: "null",
        stdout: "null",
      }).output();
      const error = new TextDecoder().decode(stderr);
      assertEquals([code, signal], [1, null], error);
      assert(error.includes("for another reason"));
    }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
