import dicomParser from "dicom-parser";
import { damagedAdvice, imageError, thrownText } from "./dicom_error.ts";
import type { Samples } from "./display.ts";
import type { Frame } from "./frame.ts";
import {
  decodeJpegBaseline,
  decodeJpegExtended,
  decodeJpegLossless,
  NoDecoderError,
} from "./jpeg.ts";
import { decodeJpeg2000 } from "./jpeg_2000.ts";
import { decodeJpegLs } from "./jpeg_ls.ts";
import type { DicomFile } from "./parse.ts";
import { decodeRleLossless } from "./rle_lossless.ts";
import { isEncapsulated, TransferSyntax } from "./transfer_syntax.ts";
import { decodeUncompressed } from "./uncompressed.ts";

const convertAdvice =
  "convert it to Explicit VR Little Endian (for example with dcmtk's dcmdjpeg " +
  "or `gdcmconv --raw`), or exclude it";

type Decode = (stream: Uint8Array, frame: Frame) => Samples | Promise<Samples>;

/** What decodes the stream of each compressed transfer syntax. */
const decoders: Readonly<Record<string, Decode>> = {
  [TransferSyntax.jpegBaseline]: (stream, frame) => decodeJpegBaseline(stream, frame),
  [TransferSyntax.jpegExtended]: (stream, frame) => decodeJpegExtended(stream, frame),
  [TransferSyntax.jpegLossless]: (stream, frame) => decodeJpegLossless(stream, frame),
  [TransferSyntax.jpegLosslessFirstOrder]: (stream, frame) => decodeJpegLossless(stream, frame),
  [TransferSyntax.jpegLsLossless]: decodeJpegLs,
  [TransferSyntax.jpegLsNearLossless]: decodeJpegLs,
  [TransferSyntax.jpeg2000Lossless]: decodeJpeg2000,
  [TransferSyntax.jpeg2000]: decodeJpeg2000,
  [TransferSyntax.rleLossless]: decodeRleLossless,
};

const uncompressed: ReadonlySet<string> = new Set([
  TransferSyntax.implicitLittleEndian,
  TransferSyntax.explicitLittleEndian,
  TransferSyntax.deflatedLittleEndian,
  TransferSyntax.explicitBigEndian,
]);

/**
 * The stored values of a single-frame grey image, row by row.
 *
 * @throws {DicomError} If the image is in colour, has several frames, is compressed in a way this
 * project does not decode, or contradicts its header.
 */
export async function readSamples(file: DicomFile): Promise<Samples> {
  const frame = checkFrame(file);
  const uid = file.metadata.transferSyntax;
  const decode = decoders[uid];
  if (!decode && !uncompressed.has(uid)) {
    throw imageError(file, "its transfer syntax is not supported", convertAdvice);
  }
  const encapsulated = file.pixelData.fragments !== undefined;
  if (encapsulated !== isEncapsulated(uid)) {
    throw imageError(
      file,
      `its pixel data is ${encapsulated ? "encapsulated" : "not encapsulated"}, against its ` +
        `transfer syntax`,
      damagedAdvice,
    );
  }
  try {
    if (decode) return await decode(joinFragments(file), frame);
    const littleEndian = uid !== TransferSyntax.explicitBigEndian;
    return decodeUncompressed(file.dataSet.byteArray, file.pixelData, frame, littleEndian);
  } catch (thrown) {
    const reason = `its pixels cannot be decoded: ${thrownText(thrown).trim()}`;
    const advice = thrown instanceof NoDecoderError ? convertAdvice : damagedAdvice;
    throw imageError(file, reason, advice, thrown);
  }
}

/** The stream of a single frame, which may lie in several fragments (PS3.5, A.4). */
function joinFragments({ dataSet, pixelData }: DicomFile): Uint8Array {
  const fragments = pixelData.fragments!;
  if (fragments.length === 0) throw new Error("it has no fragment");
  if (fragments.length === 1) {
    const { position, length } = fragments[0]!;
    return dataSet.byteArray.subarray(position, position + length);
  }
  return dicomParser.readEncapsulatedPixelDataFromFragments(
    dataSet,
    pixelData,
    0,
    fragments.length,
  );
}

function checkFrame(file: DicomFile): Frame {
  const { photometricInterpretation, samplesPerPixel, frames } = file.metadata;
  const { rows, columns, signed, bitsAllocated, bitsStored, highBit } = file.metadata;
  const exclude = "exclude it: a chest film is one grey image of 8 or 16 bits";
  if (samplesPerPixel !== 1 || !/^MONOCHROME[12]$/.test(photometricInterpretation ?? "")) {
    throw imageError(
      file,
      `it is not a grey image (${photometricInterpretation ?? "no photometric interpretation"}, ` +
        `${samplesPerPixel} samples per pixel)`,
      exclude,
    );
  }
  if (frames !== 1) throw imageError(file, `it has ${frames} frames`, exclude);
  if (
    (bitsAllocated !== 8 && bitsAllocated !== 16) || bitsStored === undefined ||
    bitsStored < 1 || bitsStored > bitsAllocated || (highBit ?? bitsStored - 1) !== bitsStored - 1
  ) {
    throw imageError(
      file,
      `its bits per pixel are not supported (allocated ${bitsAllocated}, stored ${bitsStored}, ` +
        `high bit ${highBit})`,
      exclude,
    );
  }
  return { rows, columns, bitsAllocated, bitsStored, signed };
}
