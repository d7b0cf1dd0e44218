import { assert, assertEquals } from "@std/assert";
import { decodeDicom, parseDicom, readSamples } from "@/dicom/mod.ts";
import { decodeJpegExtended } from "@/dicom/jpeg.ts";
import vectors from "./vectors.json" with { type: "json" };

/** Small files of many kinds that vectors.py wrote, with what pydicom reads in them. */
interface Vector {
  name: string;
  base64?: string;
  /** No DICOM file. */
  jpeg?: string;
  /** Row by row. */
  stored: string;
  /** 0 to 255, not rounded. */
  shown?: string;
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function worstDifference(actual: ArrayLike<number>, numbers: string): number {
  const expected = numbers.split(" ").map(Number);
  assertEquals(actual.length, expected.length);
  return Math.max(...expected.map((value, i) => Math.abs(value - actual[i]!)));
}

for (const { name, base64, stored, shown } of vectors as Vector[]) {
  if (base64 === undefined) continue;
  Deno.test(`readSamples() equals pydicom: ${name}`, async () => {
    const samples = await readSamples(parseDicom(bytesOf(base64), name));
    // Decoders of the cosine transform may differ in the last bit.
    const tolerance = /^JPEG (Baseline|Extended)/.test(name) ? 1 : 0;
    const worst = worstDifference(samples, stored);
    assert(worst <= tolerance, `worst difference ${worst}`);
  });
  if (shown === undefined) continue;
  Deno.test(`decodeDicom() shows what pydicom's tables and windows give: ${name}`, async () => {
    const { pixels } = await decodeDicom(parseDicom(bytesOf(base64), name));
    assert(worstDifference(pixels, shown) <= 0.502); // theirs is not rounded
  });
}

Deno.test("decodeJpegExtended() equals libjpeg on a stream with restart markers", async () => {
  const { jpeg, stored } = (vectors as Vector[]).find(({ name }) => name === "restart markers")!;
  const frame = { rows: 11, columns: 17, bitsAllocated: 8, bitsStored: 8, signed: false } as const;
  assert(worstDifference(await decodeJpegExtended(bytesOf(jpeg!), frame), stored) <= 1);
});
