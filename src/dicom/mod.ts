/** A DICOM file -> pixels and metadata, and back. */
export { DicomError } from "./dicom_error.ts";
export { type DisplayOptions, type Samples, toDisplay, type Window } from "./display.ts";
export { encodeJpeg } from "./jpeg.ts";
export { type LookupTable } from "./lookup_table.ts";
export { type DicomMetadata, parseAge } from "./metadata.ts";
export { type DicomFile, maximumPixels, parseDicom } from "./parse.ts";
export { decodeDicom, type Film, readDicom, readDicomBytes, readDicomMetadata } from "./read.ts";
export { readSamples } from "./samples.ts";
export { TransferSyntax, transferSyntaxName } from "./transfer_syntax.ts";
export { deterministicUid } from "./uid.ts";
export { type DicomIdentity, type DicomImage, encodeDicom, writeDicom } from "./write.ts";
export {
  encodeSegmentation,
  type Finding,
  packBits,
  PNEUMOTHORAX,
  type Segmentation,
  writeSegmentation,
} from "./write_segmentation.ts";
