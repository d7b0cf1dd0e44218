import { Resvg } from "@resvg/resvg-js";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { measureTextInVega } from "./text_width.ts";
import { FONT, THEME } from "./theme.ts";

/** A chart specification is not one that vega-lite draws without complaint. */
export class ChartError extends Error {
  override name = "ChartError";
}

const FONT_FILES = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"];

/**
 * Draws a vega-lite chart in the project's theme.
 *
 * @returns SVG text; its size in CSS pixels stands in the `width` and `height` of the root element.
 * @throws {ChartError} If vega-lite or vega has any warning or error, such as for an unknown field
 * or for data that cannot be drawn.
 */
export async function renderSvg(spec: TopLevelSpec): Promise<string> {
  measureTextInVega();
  const warnings: string[] = [];
  const logger = collectingLogger(warnings);
  let svg: string;
  try {
    // Vega marks the rows of data as its own, so it gets a copy.
    const compiled = compile(structuredClone(spec), { config: THEME, logger });
    const view = new vega.View(vega.parse(compiled.spec), { renderer: "none", logger });
    svg = await view.toSVG();
    view.finalize();
  } catch (error) {
    throw new ChartError(`Cannot draw the chart as vega fails: ${error}`, { cause: error });
  }
  if (warnings.length > 0) {
    throw new ChartError(`Cannot draw the chart as vega warns: ${warnings.join("; ")}`);
  }
  return svg;
}

/**
 * Draws a vega-lite chart as PNG, the same on every machine: no system font is used.
 *
 * @param spec The chart.
 * @param scale Pixels of the picture for each CSS pixel. Default: 2, sharp on dense screens.
 * @throws {ChartError} See {@link renderSvg}.
 */
export async function renderPng(spec: TopLevelSpec, scale = 2): Promise<Uint8Array> {
  return (await renderPicture(spec, scale)).png;
}

/** A chart as PNG, and the size in CSS pixels at which it is meant to be seen. */
export interface ChartPicture {
  png: Uint8Array;
  width: number;
  height: number;
}

/** As {@link renderPng}, with the picture's size in CSS pixels. */
export async function renderPicture(spec: TopLevelSpec, scale = 2): Promise<ChartPicture> {
  const svg = await renderSvg(spec);
  return { png: await compressPng(svgToPng(svg, scale)), ...svgSize(svg) };
}

/** Draws SVG text as PNG with the project's own fonts. */
export function svgToPng(svg: string, scale = 1): Uint8Array {
  const fontFiles = FONT_FILES.map((name) =>
    fileURLToPath(import.meta.resolve(`dejavu-fonts-ttf/ttf/${name}`))
  );
  const image = new Resvg(svg, {
    fitTo: { mode: "zoom", value: scale },
    font: { fontFiles, loadSystemFonts: false, defaultFontFamily: FONT, sansSerifFamily: FONT },
  });
  return image.render().asPng();
}

/** The size that the root element of SVG text names, in CSS pixels. */
function svgSize(svg: string): { width: number; height: number } {
  const match = /<svg[^>]* width="([\d.]+)" height="([\d.]+)"/.exec(svg);
  if (!match) throw new ChartError(`Cannot tell the size of the SVG: ${svg.slice(0, 80)}`);
  return { width: Math.ceil(Number(match[1])), height: Math.ceil(Number(match[2])) };
}

/** Charts have few colours: a palette makes the file a third as big. */
async function compressPng(png: Uint8Array): Promise<Uint8Array> {
  const small = await sharp(png).flatten({ background: "#FFFFFF" })
    .png({ palette: true, compressionLevel: 9 }).toBuffer();
  return new Uint8Array(small);
}

function collectingLogger(warnings: string[]): vega.LoggerInterface {
  const collect = (...words: readonly unknown[]) => {
    warnings.push(words.join(" "));
    return logger;
  };
  const ignore = () => logger;
  const logger: vega.LoggerInterface = {
    level: ((level?: number) => level === undefined ? vega.Warn : logger) as never,
    warn: collect,
    error: collect,
    info: ignore,
    debug: ignore,
  };
  return logger;
}
