import type { Config } from "vega-lite";

/**
 * The eight colours that people with any common colour vision can tell apart
 * (Okabe and Ito, "Color Universal Design", 2008).
 */
export const PALETTE = {
  blue: "#0072B2",
  vermillion: "#D55E00",
  green: "#009E73",
  purple: "#CC79A7",
  sky: "#56B4E9",
  orange: "#E69F00",
  yellow: "#F0E442",
  black: "#000000",
} as const;

/** What has no colour of its own where nothing has to be told apart, such as a single row of bars. */
export const NEUTRAL = "#5B6B7C";

/**
 * The colour of each thing that appears in more than one picture. Names that may stand in one
 * picture have colours that stay apart for readers who lack the green cones (see the tests).
 */
export const COLORS = {
  truth: PALETTE.sky,
  prediction: PALETTE.orange,
  "both": PALETTE.green,
  "truth only": PALETTE.sky,
  "prediction only": PALETTE.orange,
  positive: PALETTE.vermillion,
  negative: PALETTE.blue,
  train: PALETTE.green,
  validation: PALETTE.black,
  "validation, positives": PALETTE.vermillion,
  test: PALETTE.purple,
  men: PALETTE.green,
  women: PALETTE.vermillion,
  bce: PALETTE.blue,
  dice: PALETTE.green,
  focal: PALETTE.vermillion,
  lovasz: PALETTE.black,
  before: NEUTRAL,
  after: PALETTE.orange,
} as const;

/**
 * Series without a colour of their own take these in turn, those that are easiest to tell apart first.
 * Yellow is too pale for lines on white.
 */
const OTHERS: readonly string[] = [
  PALETTE.blue,
  PALETTE.vermillion,
  PALETTE.green,
  PALETTE.black,
  PALETTE.sky,
  PALETTE.orange,
  PALETTE.purple,
];

/**
 * Gives each name its colour: that of {@link COLORS} if it is there, else the next unused colour of
 * the palette.
 *
 * @throws {RangeError} If there are more names than colours.
 */
export function colorsOf(names: readonly string[]): string[] {
  const fixed: Record<string, string> = COLORS;
  const taken = new Set(names.map((name) => fixed[name]));
  const free = OTHERS.filter((color) => !taken.has(color));
  return names.map((name) => {
    const color = fixed[name] ?? free.shift();
    if (color === undefined) {
      throw new RangeError(
        `Cannot color the series as there are more than ${OTHERS.length}: ${names.length}`,
      );
    }
    return color;
  });
}

/** The font of every picture; the file comes with the project, so that all machines draw alike. */
export const FONT = "DejaVu Sans";

/** Text, and rings around points. */
export const INK = "#333333";
/** What stands behind the data: axes, and lines that are there for comparison. */
export const MUTED = "#999999";
const FAINT = "#E5E5E5";

/** How all charts look. */
export const THEME: Config = {
  font: FONT,
  background: "#FFFFFF",
  padding: 10,
  view: { stroke: null, continuousWidth: 440, continuousHeight: 240 },
  title: {
    anchor: "start",
    frame: "group",
    fontSize: 14,
    fontWeight: "bold",
    color: INK,
    subtitleFontSize: 11,
    subtitleColor: "#666666",
    subtitlePadding: 4,
    offset: 12,
  },
  axis: {
    labelFontSize: 11,
    labelColor: INK,
    titleFontSize: 11,
    titleFontWeight: "normal",
    titleColor: INK,
    titlePadding: 8,
    gridColor: FAINT,
    domainColor: MUTED,
    tickColor: MUTED,
  },
  axisX: { grid: false },
  axisY: { domain: false, ticks: false, labelPadding: 6 },
  legend: {
    orient: "top",
    direction: "horizontal",
    title: null,
    labelFontSize: 11,
    labelColor: INK,
    titleFontSize: 11,
    titleFontWeight: "normal",
    titleColor: INK,
    titlePadding: 8,
    offset: 14,
    symbolStrokeWidth: 3,
    symbolOpacity: 1,
  },
  range: { category: [...OTHERS] },
};
