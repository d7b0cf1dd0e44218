import { Buffer } from "node:buffer";
import sharp, { type OverlayOptions } from "sharp";
import * as vega from "vega";
import { drawMask, greyToRgb, sideOf } from "./overlay.ts";
import { svgToPng } from "./render.ts";
import { textWidth } from "./text_width.ts";
import { COLORS, FONT } from "./theme.ts";

/** A chest film with what shall be drawn over and below it. */
export interface Film {
  /** Square, row-major, one byte a pixel, 0 (black) to 255. */
  grey: Uint8Array;
  /** Same shape as `grey`; every value but 0 is drawn as truth. */
  truth?: Uint8Array;
  /** Same shape as `grey`; every value but 0 is drawn as prediction. */
  prediction?: Uint8Array;
  /**
   * Same shape as `grey`, 0 to 1: drawn in place of the film, dark blue for 0 and yellow for 1, as in
   * heat maps.
   */
  probabilities?: Float32Array;
  /** A line below the film; cut to the film's width. */
  caption?: string | undefined;
}

export interface FilmGridOptions {
  /** Films in a row. Default: 4. */
  columns?: number;
  /** Side of a film in the picture, in pixels. Default: 256. */
  tile?: number;
  /** A line above all films. Default: none. */
  title?: string;
  /**
   * How masks are drawn: lines, areas, or where the two agree and where only one of them is. Default:
   * "outline".
   */
  style?: FilmStyle;
  /** JPEG quality, 1 to 100. Default: 85. */
  quality?: number;
}

export type FilmStyle = "outline" | "fill" | "agreement";

const GAP = 10;
const CAPTION_HEIGHT = 22;
const HEADER_HEIGHT = 28;

/**
 * Films side by side in one picture, with masks in the colours of truth and prediction, captions,
 * and a legend if there is any mask.
 *
 * @returns A JPEG: X-rays are noisy, as PNG they would be eight times as big.
 * @throws {RangeError} If there is no film, or sizes do not fit.
 */
export async function filmGrid(
  films: readonly Film[],
  options: FilmGridOptions = {},
): Promise<Uint8Array> {
  const { columns = 4, tile = 256, title, style = "outline", quality = 85 } = options;
  if (films.length === 0) throw new RangeError("Cannot draw films as there are none: length is 0");
  if (!Number.isInteger(columns) || columns < 1) {
    throw new RangeError(`Cannot draw films as columns must be >= 1: ${columns}`);
  }
  const legend = legendOf(films, style);
  const used = Math.min(columns, films.length);
  const captionHeight = films.some((film) => film.caption) ? CAPTION_HEIGHT : 0;
  const headerHeight = title !== undefined || legend.length > 0 ? HEADER_HEIGHT : 0;
  const width = used * (tile + GAP) + GAP;
  const rows = Math.ceil(films.length / used);
  const height = headerHeight + rows * (tile + captionHeight + GAP) + GAP;

  const placed: OverlayOptions[] = [];
  const texts = header(title, legend, width);
  for (const [index, film] of films.entries()) {
    const left = GAP + (index % used) * (tile + GAP);
    const top = headerHeight + GAP + Math.floor(index / used) * (tile + captionHeight + GAP);
    placed.push({
      input: Buffer.from(await drawFilm(film, tile, style)),
      raw: { width: tile, height: tile, channels: 3 },
      left,
      top,
    });
    if (film.caption) texts.push(svgText(fit(film.caption, tile, 12), left, top + tile + 15, 12));
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    texts.join("") + "</svg>";
  placed.push({ input: Buffer.from(svgToPng(svg)), left: 0, top: 0 });
  const jpeg = await sharp({ create: { width, height, channels: 3, background: "#FFFFFF" } })
    .composite(placed)
    // Without subsampling thin coloured outlines stay sharp.
    .jpeg({ quality, chromaSubsampling: "4:4:4", mozjpeg: true })
    .toBuffer();
  return new Uint8Array(jpeg);
}

async function drawFilm(film: Film, tile: number, style: FilmStyle): Promise<Uint8Array> {
  const size = sideOf(film.grey);
  const grey = film.probabilities ? scaleOf(film.probabilities, film.grey.length) : film.grey;
  const resized = await sharp(grey, { raw: { width: size, height: size, channels: 1 } })
    .resize(tile, tile).greyscale().raw().toBuffer();
  const rgb = film.probabilities
    ? heatColors(new Uint8Array(resized))
    : greyToRgb(new Uint8Array(resized));
  for (const { name, mask } of areasOf(film, style)) {
    if (mask.length !== film.grey.length) {
      throw new RangeError(
        `Cannot draw the ${name} as it has not the film's size: ${mask.length} pixels, not ` +
          `${film.grey.length}`,
      );
    }
    const scaled = resizeMask(mask, size, tile);
    drawMask(
      rgb,
      scaled,
      style === "outline" ? { color: COLORS[name], style, thickness: 2 } : {
        color: COLORS[name],
        style: "fill",
        opacity: style === "agreement" ? 0.75 : 0.45,
      },
    );
  }
  return rgb;
}

type AreaName = "truth" | "prediction" | "both" | "truth only" | "prediction only";

/** What is drawn over a film, by its name in the legend. */
function areasOf(
  { truth, prediction }: Film,
  style: FilmStyle,
): { name: AreaName; mask: Uint8Array }[] {
  if (style === "agreement" && truth && prediction) {
    const where = (test: (inTruth: boolean, inPrediction: boolean) => boolean) =>
      truth.map((value, i) => test(value !== 0, prediction[i] !== 0) ? 1 : 0);
    return [
      { name: "both", mask: where((a, b) => a && b) },
      { name: "truth only", mask: where((a, b) => a && !b) },
      { name: "prediction only", mask: where((a, b) => !a && b) },
    ];
  }
  return [
    ...(truth ? [{ name: "truth" as const, mask: truth }] : []),
    ...(prediction ? [{ name: "prediction" as const, mask: prediction }] : []),
  ];
}

/** Probabilities as bytes. */
function scaleOf(probabilities: Float32Array, length: number): Uint8Array {
  if (probabilities.length === length) {
    return Uint8Array.from(probabilities, (value) => Math.round(255 * value));
  }
  throw new RangeError(
    `Cannot draw the probabilities as they have not the film's size: ${probabilities.length} ` +
      `pixels, not ${length}`,
  );
}

/** Bytes in the colours of heat maps. */
function heatColors(values: Uint8Array): Uint8Array {
  const scheme = vega.scheme("viridis") as unknown as (share: number) => string;
  const colors = Array.from(
    { length: 256 },
    (_, value) => scheme(value / 255).match(/\d+/g)!.map(Number),
  );
  const rgb = new Uint8Array(3 * values.length);
  for (const [i, value] of values.entries()) rgb.set(colors[value]!, 3 * i);
  return rgb;
}

/** Nearest neighbour, so that a mask stays a mask. */
function resizeMask(mask: Uint8Array, from: number, to: number): Uint8Array {
  const source = Array.from({ length: to }, (_, i) => Math.floor((i + 0.5) * from / to));
  const resized = new Uint8Array(to * to);
  for (let row = 0; row < to; row++) {
    for (let column = 0; column < to; column++) {
      resized[row * to + column] = mask[source[row]! * from + source[column]!]!;
    }
  }
  return resized;
}

function legendOf(films: readonly Film[], style: FilmStyle): AreaName[] {
  const names = new Set(films.flatMap((film) => areasOf(film, style).map(({ name }) => name)));
  return [...names];
}

/** The title on the left, the legend on the right. */
function header(
  title: string | undefined,
  legend: readonly AreaName[],
  width: number,
): string[] {
  const texts: string[] = [];
  let right = width - GAP;
  for (const name of legend.toReversed()) {
    right -= textWidth(name, 12);
    texts.push(svgText(name, right, 23, 12));
    right -= 20;
    texts.push(`<rect x="${right}" y="12" width="14" height="12" fill="${COLORS[name]}"/>`);
    right -= 12;
  }
  if (title !== undefined) {
    texts.push(svgText(fit(title, right - GAP, 14, true), GAP, 23, 14, true));
  }
  return texts;
}

function svgText(text: string, x: number, y: number, size: number, bold = false): string {
  const weight = bold ? ' font-weight="bold"' : "";
  return `<text x="${x}" y="${y}" font-family="${FONT}" font-size="${size}"${weight} ` +
    `fill="#333333">${escapeXml(text)}</text>`;
}

function fit(text: string, width: number, size: number, bold = false): string {
  if (textWidth(text, size, bold) <= width) return text;
  let cut = text;
  while (cut !== "" && textWidth(`${cut}…`, size, bold) > width) cut = cut.slice(0, -1);
  return `${cut.trimEnd()}…`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
