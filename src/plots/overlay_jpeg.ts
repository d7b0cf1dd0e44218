import sharp from "sharp";
import { type MaskStyle, overlay, sideOf } from "./overlay.ts";

/**
 * A film with a mask drawn over it, as a JPEG file.
 *
 * @param grey Square film, row-major, `size * size` bytes, 0 (black) to 255.
 * @param mask Same shape; every value but 0 belongs to the mask.
 * @throws {RangeError} If a length is no square, or the two differ.
 */
export async function overlayJpeg(
  grey: Uint8Array,
  mask: Uint8Array,
  style: MaskStyle = {},
): Promise<Uint8Array> {
  const size = sideOf(grey);
  const rgb = overlay(grey, mask, style);
  const jpeg = await sharp(rgb, { raw: { width: size, height: size, channels: 3 } })
    .jpeg({ quality: 90, chromaSubsampling: "4:4:4" })
    .toBuffer();
  return new Uint8Array(jpeg.buffer, jpeg.byteOffset, jpeg.length);
}
