/** The transfer syntaxes that this project reads or writes, by their role. */
export const TransferSyntax = {
  implicitLittleEndian: "1.2.840.10008.1.2",
  explicitLittleEndian: "1.2.840.10008.1.2.1",
  deflatedLittleEndian: "1.2.840.10008.1.2.1.99",
  explicitBigEndian: "1.2.840.10008.1.2.2",
  jpegBaseline: "1.2.840.10008.1.2.4.50",
  jpegExtended: "1.2.840.10008.1.2.4.51",
  jpegLossless: "1.2.840.10008.1.2.4.57",
  jpegLosslessFirstOrder: "1.2.840.10008.1.2.4.70",
  jpegLsLossless: "1.2.840.10008.1.2.4.80",
  jpegLsNearLossless: "1.2.840.10008.1.2.4.81",
  jpeg2000Lossless: "1.2.840.10008.1.2.4.90",
  jpeg2000: "1.2.840.10008.1.2.4.91",
  rleLossless: "1.2.840.10008.1.2.5",
} as const;

/** Names of PS3.6, table A-1, for the transfer syntaxes met in practice. */
const names: Readonly<Record<string, string>> = {
  "1.2.840.10008.1.2": "Implicit VR Little Endian",
  "1.2.840.10008.1.2.1": "Explicit VR Little Endian",
  "1.2.840.10008.1.2.1.99": "Deflated Explicit VR Little Endian",
  "1.2.840.10008.1.2.2": "Explicit VR Big Endian",
  "1.2.840.10008.1.2.4.50": "JPEG Baseline",
  "1.2.840.10008.1.2.4.51": "JPEG Extended",
  "1.2.840.10008.1.2.4.57": "JPEG Lossless",
  "1.2.840.10008.1.2.4.70": "JPEG Lossless, first-order prediction",
  "1.2.840.10008.1.2.4.80": "JPEG-LS Lossless",
  "1.2.840.10008.1.2.4.81": "JPEG-LS Near-Lossless",
  "1.2.840.10008.1.2.4.90": "JPEG 2000 Lossless",
  "1.2.840.10008.1.2.4.91": "JPEG 2000",
  "1.2.840.10008.1.2.4.100": "MPEG2 Main Level",
  "1.2.840.10008.1.2.4.102": "MPEG-4 High Profile",
  "1.2.840.10008.1.2.4.201": "High-Throughput JPEG 2000 Lossless",
  "1.2.840.10008.1.2.4.202": "High-Throughput JPEG 2000 RPCL Lossless",
  "1.2.840.10008.1.2.4.203": "High-Throughput JPEG 2000",
  "1.2.840.10008.1.2.5": "RLE Lossless",
};

/** "1.2.840.10008.1.2.4.50 (JPEG Baseline)". */
export function transferSyntaxName(uid: string): string {
  return uid === "" ? "no transfer syntax" : `${uid} (${names[uid] ?? "unknown"})`;
}

/** Whether pixels are stored as compressed fragments rather than as plain numbers. */
export function isEncapsulated(uid: string): boolean {
  return uid.startsWith("1.2.840.10008.1.2.4.") || uid === "1.2.840.10008.1.2.5";
}

/** The method of a lossy transfer syntax (PS3.3, C.7.6.1.1.5.1); `undefined` for a lossless one. */
export function lossyMethod(uid: string): string | undefined {
  switch (uid) {
    case TransferSyntax.jpegBaseline:
    case TransferSyntax.jpegExtended:
      return "ISO_10918_1";
    case TransferSyntax.jpegLsNearLossless:
      return "ISO_14495_1";
    case TransferSyntax.jpeg2000:
      return "ISO_15444_1";
    default:
      return undefined;
  }
}
