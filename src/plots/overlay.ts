import { COLORS } from "./theme.ts";

/** How a mask is drawn over a film. */
export interface MaskStyle {
  /** "#RRGGBB". Default: the colour of the truth. */
  color?: string;
  /** A line just inside the edge of the mask, or its whole area. Default: "outline". */
  style?: "outline" | "fill";
  /** Width of the outline in pixels. Default: 2. */
  thickness?: number;
  /** From 0 (invisible) to 1. Default: 1 for an outline, 0.45 for a fill. */
  opacity?: number;
}

/**
 * A film with a mask drawn over it.
 *
 * @param grey Square film, row-major, `size * size` bytes, 0 (black) to 255.
 * @param mask Same shape; every value but 0 belongs to the mask.
 * @returns RGB bytes, `size * size * 3`.
 * @throws {RangeError} If a length is no square, or the two differ.
 */
export function overlay(grey: Uint8Array, mask: Uint8Array, style: MaskStyle = {}): Uint8Array {
  const rgb = greyToRgb(grey);
  drawMask(rgb, mask, style);
  return rgb;
}

/** Repeats each grey value as red, green and blue. */
export function greyToRgb(grey: Uint8Array): Uint8Array {
  sideOf(grey);
  const rgb = new Uint8Array(grey.length * 3);
  for (let i = 0; i < grey.length; i++) rgb.fill(grey[i]!, 3 * i, 3 * i + 3);
  return rgb;
}

/**
 * Draws a mask into RGB bytes of the same size, in place.
 *
 * @throws {RangeError} If the mask is no square or has not a third of the bytes' length.
 */
export function drawMask(rgb: Uint8Array, mask: Uint8Array, options: MaskStyle = {}): void {
  const { color = COLORS.truth, style = "outline", thickness = 2 } = options;
  const opacity = options.opacity ?? (style === "outline" ? 1 : 0.45);
  const size = sideOf(mask);
  if (rgb.length !== mask.length * 3) {
    throw new RangeError(
      `Cannot draw the mask as it has not the film's size: ${mask.length} and ${rgb.length / 3}`,
    );
  }
  const paint = parseColor(color);
  const area = style === "outline" ? outline(mask, size, thickness) : mask;
  for (let i = 0; i < area.length; i++) {
    if (area[i] === 0) continue;
    for (let channel = 0; channel < 3; channel++) {
      const at = 3 * i + channel;
      rgb[at] = Math.round(rgb[at]! * (1 - opacity) + paint[channel]! * opacity);
    }
  }
}

/**
 * The pixels of a mask that are nearer than `thickness` to a pixel outside of it, counted in steps
 * to the four neighbours. What lies beyond the border of the image counts as outside.
 */
export function outline(mask: Uint8Array, size: number, thickness: number): Uint8Array {
  const edge = new Uint8Array(mask.length);
  let inside = mask.map((value) => value === 0 ? 0 : 1);
  for (let step = 0; step < thickness; step++) {
    const eroded = erode(inside, size);
    for (let i = 0; i < edge.length; i++) if (inside[i] !== eroded[i]) edge[i] = 1;
    inside = eroded;
  }
  return edge;
}

function erode(mask: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  const eroded = new Uint8Array(mask.length);
  for (let row = 1; row < size - 1; row++) {
    for (let column = 1; column < size - 1; column++) {
      const i = row * size + column;
      eroded[i] = mask[i]! & mask[i - 1]! & mask[i + 1]! & mask[i - size]! & mask[i + size]!;
    }
  }
  return eroded;
}

/** The side of a square image, in pixels. */
export function sideOf(pixels: Uint8Array): number {
  const size = Math.sqrt(pixels.length);
  if (!Number.isInteger(size) || size === 0) {
    throw new RangeError(`Cannot draw the film as it is not square: ${pixels.length} pixels`);
  }
  return size;
}

function parseColor(color: string): [red: number, green: number, blue: number] {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  if (!match) throw new SyntaxError(`Cannot read the color as it is not "#RRGGBB": ${color}`);
  return [1, 2, 3].map((group) => parseInt(match[group]!, 16)) as [number, number, number];
}
