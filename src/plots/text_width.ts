import * as vega from "vega";

/** Advance widths of DejaVu Sans 2.37 for U+0020 to U+007E, in thousandths of the font size. */
// deno-fmt-ignore
const REGULAR = [
  318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337,
  636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531,
  1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787,
  603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500,
  500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612,
  635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
];

/** The same for DejaVu Sans Bold. */
// deno-fmt-ignore
const BOLD = [
  348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365,
  696, 696, 696, 696, 696, 696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 580,
  1000, 774, 762, 734, 830, 683, 683, 821, 837, 372, 372, 775, 637, 995, 837, 850,
  733, 850, 770, 720, 682, 812, 774, 1103, 771, 724, 725, 457, 365, 457, 838, 500,
  500, 675, 716, 593, 716, 678, 435, 716, 712, 343, 343, 665, 343, 1042, 712, 687,
  716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582, 712, 365, 712, 838,
];

/** Characters beyond ASCII count as wide as an average letter. */
const AVERAGE = 640;

/**
 * Width of a line of text in DejaVu Sans, in pixels. Kerning is left out (under 2 %).
 *
 * @param text One line.
 * @param fontSize In pixels.
 * @param bold Whether the bold face is meant. Default: false.
 */
export function textWidth(text: string, fontSize: number, bold = false): number {
  const widths = bold ? BOLD : REGULAR;
  let thousandths = 0;
  for (const character of text) {
    thousandths += widths[(character.codePointAt(0) ?? 0) - 0x20] ?? AVERAGE;
  }
  return thousandths * fontSize / 1000;
}

/** What Vega hands to its measuring function: a mark that shows text. */
interface TextItem {
  text?: unknown;
  fontSize?: number;
  fontWeight?: string | number;
}

/** Without a canvas Vega guesses 0.8 of the font size a letter; this lets it measure. */
export function measureTextInVega(): void {
  // Vega exports its text metrics, but its type declarations leave them out.
  const { textMetrics } = vega as unknown as {
    textMetrics: { width: (item: TextItem, text?: unknown) => number };
  };
  textMetrics.width = (item, text) => {
    const shown = text ?? item.text;
    if (shown === undefined || shown === null) return 0;
    const bold = item.fontWeight === "bold" || Number(item.fontWeight) >= 600;
    return textWidth(String(shown), item.fontSize ?? 11, bold);
  };
}
