import sharp from "sharp";
import type { FilmShape } from "./square.ts";

/**
 * Reads a mask that another program drew: a PNG of two levels, black and one other, in grey, colour or a
 * palette, of 1 to 16 bits; what is transparent is black.
 *
 * More levels are refused: they may be several findings, or edges that were smoothed, and only who drew
 * them knows which pixels are meant.
 *
 * @param path The file.
 * @param shape That the mask must have.
 * @returns 0 or 1, row-major. // [height * width]
 * @throws {RangeError} If it is damaged, has another shape, or more than two levels.
 * @throws {Deno.errors.NotFound} If there is no such file.
 */
export async function readMaskPng(path: string, shape: FilmShape): Promise<Uint8Array> {
  const bytes = await Deno.readFile(path);
  const levels = await decode(bytes, shape);
  const found = new Set<number>();
  for (const level of levels) {
    found.add(level);
    if (found.size > 2) {
      throw new RangeError(
        "its mask has more than two levels. Draw it in black and one other, one file for each finding",
      );
    }
  }
  if (found.size === 2 && !found.has(0)) {
    throw new RangeError("its mask has two levels, but neither is black");
  }
  return Uint8Array.from(levels, (level) => level === 0 ? 0 : 1);
}

async function decode(png: Uint8Array, { width, height }: FilmShape): Promise<Uint16Array> {
  let size: { width: number; height: number };
  try {
    // A damaged header may ask for any number of pixels.
    const image = sharp(png, { limitInputPixels: 2 ** 26 });
    size = await image.metadata();
    if (size.width === width && size.height === height) {
      // Of 16 bits: a level of 1 in such a file would be 0 in one of 8.
      const { data } = await image.flatten({ background: "#000000" }).toColourspace("grey16")
        .raw({ depth: "ushort" }).toBuffer({ resolveWithObject: true });
      return new Uint16Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length));
    }
  } catch (error) {
    throw new RangeError(`its mask cannot be read: ${(error as Error).message.trim()}`, {
      cause: error,
    });
  }
  throw new RangeError(
    `its mask must have the film's size of ${width} x ${height}: ${size.width} x ${size.height}`,
  );
}
