import dicomParser from "dicom-parser";
import sharp from "sharp";
import { DicomError, thrownText } from "./dicom_error.ts";
import type { Samples } from "./display.ts";
import type { DicomFile } from "./parse.ts";
import { isEncapsulated, TransferSyntax, transferSyntaxName } from "./transfer_syntax.ts";

// Each film is decoded once; libvips would keep them all.
sharp.cache(false);

const convertAdvice =
  "convert it to Explicit VR Little Endian (for example with dcmtk's dcmdjpeg " +
  "or `gdcmconv --raw`), or exclude it";
const damagedAdvice = "copy or download the file again, or exclude it";

/**
 * The stored values of a single-frame grey image, row by row.
 *
 * @throws {DicomError} If the image is in colour, has several frames, is compressed in a way this
 * project does not decode, or contradicts its header.
 */
export async function readSamples(file: DicomFile): Promise<Samples> {
  const { name, metadata } = file;
  checkKind(file);
  const uid = metadata.transferSyntax;
  const encapsulated = file.pixelData.fragments !== undefined;
  if (encapsulated !== isEncapsulated(uid)) {
    throw new DicomError(
      name,
      `its pixel data is ${encapsulated ? "encapsulated" : "not encapsulated"}, against its ` +
        `transfer syntax ${transferSyntaxName(uid)}`,
      damagedAdvice,
    );
  }
  switch (uid) {
    case TransferSyntax.jpegBaseline:
      return await decodeJpeg(file);
    case TransferSyntax.implicitLittleEndian:
    case TransferSyntax.explicitLittleEndian:
    case TransferSyntax.deflatedLittleEndian:
      return readLittleEndian(file);
    default:
      throw new DicomError(
        name,
        `its transfer syntax ${transferSyntaxName(uid)} is not supported`,
        convertAdvice,
      );
  }
}

function checkKind({ name, metadata }: DicomFile): void {
  const { photometricInterpretation, samplesPerPixel, frames } = metadata;
  const { bitsAllocated, bitsStored, highBit } = metadata;
  const exclude = "exclude it: a chest film is one grey image of 8 or 16 bits";
  if (samplesPerPixel !== 1 || !/^MONOCHROME[12]$/.test(photometricInterpretation ?? "")) {
    throw new DicomError(
      name,
      `it is not a grey image (${photometricInterpretation ?? "no photometric interpretation"}, ` +
        `${samplesPerPixel} samples per pixel)`,
      exclude,
    );
  }
  if (frames !== 1) throw new DicomError(name, `it has ${frames} frames`, exclude);
  if (
    (bitsAllocated !== 8 && bitsAllocated !== 16) || bitsStored === undefined ||
    bitsStored < 1 || bitsStored > bitsAllocated || (highBit ?? bitsStored - 1) !== bitsStored - 1
  ) {
    throw new DicomError(
      name,
      `its bits per pixel are not supported (allocated ${bitsAllocated}, stored ${bitsStored}, ` +
        `high bit ${highBit})`,
      exclude,
    );
  }
}

async function decodeJpeg({ name, metadata, dataSet, pixelData }: DicomFile): Promise<Uint8Array> {
  const { rows, columns } = metadata;
  if (metadata.bitsAllocated !== 8) {
    throw new DicomError(
      name,
      `it allocates ${metadata.bitsAllocated} bits, but JPEG Baseline holds 8`,
      damagedAdvice,
    );
  }
  let jpeg: Uint8Array;
  try {
    jpeg = dicomParser.readEncapsulatedPixelDataFromFragments(
      dataSet,
      pixelData,
      0,
      pixelData.fragments!.length,
    );
  } catch (thrown) {
    throw damagedJpeg(name, thrown);
  }
  const { width, height, channels } = await jpegHeader(name, jpeg);
  if (width !== columns || height !== rows) {
    throw new DicomError(
      name,
      `its JPEG is ${width}x${height}, but its header says ${columns}x${rows}`,
      damagedAdvice,
    );
  }
  if (channels !== 1) {
    throw new DicomError(
      name,
      `its JPEG has ${channels} channels, but its header says one`,
      "exclude it, or convert it to grey",
    );
  }
  try {
    // libvips hands a grey JPEG out as three equal channels unless told otherwise.
    const pixels = await sharp(jpeg).toColourspace("b-w").raw().toBuffer();
    return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length);
  } catch (thrown) {
    throw damagedJpeg(name, thrown);
  }
}

async function jpegHeader(name: string, jpeg: Uint8Array) {
  try {
    const header = await sharp(jpeg).metadata();
    if (header.format === "jpeg") return header;
  } catch (thrown) {
    throw damagedJpeg(name, thrown);
  }
  throw damagedJpeg(name, "the fragment holds another format");
}

function damagedJpeg(name: string, thrown: unknown): DicomError {
  return new DicomError(
    name,
    `its JPEG cannot be decoded (${thrownText(thrown).trim()})`,
    damagedAdvice,
    thrown,
  );
}

function readLittleEndian({ name, metadata, dataSet, pixelData }: DicomFile): Samples {
  const { rows, columns, signed } = metadata;
  const count = rows * columns;
  const bytesPerSample = metadata.bitsAllocated! / 8;
  // Longer is fine: the standard pads to an even length, and some writers pad further.
  if (pixelData.length < count * bytesPerSample) {
    throw new DicomError(
      name,
      `its pixel data has ${pixelData.length} bytes, but ${columns}x${rows} pixels need ` +
        `${count * bytesPerSample}`,
      damagedAdvice,
    );
  }
  const { byteArray } = dataSet;
  const view = new DataView(byteArray.buffer, byteArray.byteOffset, byteArray.byteLength);
  const unused = 32 - metadata.bitsStored!;
  const samples = bytesPerSample === 1
    ? new (signed ? Int8Array : Uint8Array)(count)
    : new (signed ? Int16Array : Uint16Array)(count);
  for (let i = 0; i < count; i++) {
    const stored = bytesPerSample === 1
      ? view.getUint8(pixelData.dataOffset + i)
      : view.getUint16(pixelData.dataOffset + 2 * i, true);
    // Bits above BitsStored may hold anything: shift them out, and the sign bit into place.
    samples[i] = signed ? (stored << unused) >> unused : (stored << unused) >>> unused;
  }
  return samples;
}
