import { textWidth } from "./text_width.ts";
import { colorsOf } from "./theme.ts";

/** What every chart function takes beside its data. */
export interface ChartOptions {
  /** States the finding, not the axes. */
  title: string;
  /** How the data were made: number of images, split, run. */
  subtitle?: string;
  /** Title of the horizontal axis, with its unit. */
  x: string;
  /** Title of the vertical axis, with its unit. */
  y: string;
  /** Width of the plotting area in CSS pixels. Default: 440 (heatmap: about 300). */
  width?: number;
  /** Height of the plotting area in CSS pixels. Default: 240 (heatmap: square cells). */
  height?: number;
}

const SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json";

/** What all charts have: heading and size. A heading that is wider than the plot gets a second line. */
export function frame({ title, subtitle, width = 600, height = 260 }: ChartOptions) {
  return { $schema: SCHEMA, title: heading({ title, subtitle, width }), width, height } as const;
}

/** Title and subtitle, broken where they are wider than the plot. */
export function heading(
  { title, subtitle, width }: { title: string; subtitle?: string | undefined; width: number },
) {
  const text = wrap(title, width, 14, true);
  if (subtitle === undefined) return { text };
  return { text, subtitle: wrap(subtitle, width, 11) };
}

/** A single line stays a string; axes and legends stand beside the plot and give some room. */
function wrap(text: string, width: number, size: number, bold = false): string | string[] {
  const room = Math.max(width, 240) + 40;
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) === "" ? word : `${lines.at(-1)} ${word}`;
    if (lines.at(-1) !== "" && textWidth(longer, size, bold) > room) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines.length === 1 ? text : lines;
}

/** Colour by the field `series`; a single series needs no legend. */
export function colorBy(names: string[]) {
  return {
    field: "series",
    type: "nominal" as const,
    scale: { domain: names, range: colorsOf(names) },
    ...(names.length > 1 ? {} : { legend: null }),
  };
}

export function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

export function requireFinite(numbers: readonly number[], what: string): void {
  if (numbers.length === 0) throw new RangeError(`Cannot draw ${what} as there are no rows: 0`);
  const wrong = numbers.find((number) => !Number.isFinite(number));
  if (wrong !== undefined) {
    throw new RangeError(`Cannot draw ${what} as a number is not finite: ${wrong}`);
  }
}
