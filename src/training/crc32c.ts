/** Remainders of all bytes for the reversed Castagnoli polynomial. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  const POLYNOMIAL = 0x82f63b78;
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1 ? remainder >>> 1 ^ POLYNOMIAL : remainder >>> 1;
  }
  return remainder;
});

/** CRC-32C (Castagnoli; RFC 3720, appendix B.4) as an unsigned number. */
export function crc32c(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    remainder = TABLE[(remainder ^ byte) & 0xff]! ^ remainder >>> 8;
  }
  return (remainder ^ 0xffffffff) >>> 0;
}
