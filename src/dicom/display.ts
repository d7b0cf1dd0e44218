import { lookUp, type LookupTable } from "./lookup_table.ts";

/** Stored values of one frame, row by row. */
export type Samples = Uint8Array | Int8Array | Uint16Array | Int16Array;

/** Which modality values are shown, and how (PS3.3, C.11.2.1.2 and C.11.2.1.3). */
export interface Window {
  center: number;
  width: number;
  /** Default: linear, as in the standard. */
  shape?: "linear" | "linear_exact" | "sigmoid";
}

/** How stored values become grey levels. */
export interface DisplayOptions {
  /** Modality value = `slope * stored + intercept`. */
  rescale: { slope: number; intercept: number };
  /** Gives the modality values instead of `rescale`. */
  modalityTable?: LookupTable;
  /** Modality values to show; without a window and a table everything from lowest to highest. */
  window: Window | undefined;
  /** Gives the shown values where there is no window. */
  voiTable?: LookupTable;
  /** MONOCHROME1: the lowest value is white. */
  inverted: boolean;
  /** Stored values that are no part of the picture: black, and left out of lowest and highest. */
  padding?: { lowest: number; highest: number };
}

/**
 * The grey levels 0 to 255 that a display would show (PS3.4, N.2): rescale or modality table, window
 * or VOI table, and inversion last.
 *
 * Unsigned 8-bit samples without any of them are shown as they are. Other samples without a window
 * and a table are stretched between their lowest and highest value; a constant image becomes 0.
 *
 * @param samples Stored values, any shape.
 * @returns As many grey levels, in the same order; the samples themselves where they are shown as they
 * are.
 * @throws {RangeError} If the window's width is one that the standard forbids: below 1 if linear, 0
 * or less otherwise.
 */
export function toDisplay(samples: Samples, options: DisplayOptions): Uint8Array {
  const { inverted, padding } = options;
  const shown = grey(samples, options);
  if (!shown && !inverted && !padding) return samples as Uint8Array;

  // Few stored values are possible, so each is worked out once.
  const { lowest, count } = possibleValues(samples);
  const table = new Uint8Array(count);
  for (let i = 0; i < table.length; i++) {
    const stored = lowest + i;
    const level = shown ? Math.round(shown(stored)) : stored;
    table[i] = isPadding(stored, padding) ? 0 : inverted ? 255 - level : level;
  }
  const levels = new Uint8Array(samples.length);
  for (let i = 0; i < samples.length; i++) levels[i] = table[samples[i]! - lowest]!;
  return levels;
}

function possibleValues(samples: Samples): { lowest: number; count: number } {
  const signed = samples instanceof Int8Array || samples instanceof Int16Array;
  const count = 2 ** (8 * samples.BYTES_PER_ELEMENT);
  return { lowest: signed ? -count / 2 : 0, count };
}

function isPadding(stored: number, padding: DisplayOptions["padding"]): boolean {
  return padding !== undefined && stored >= padding.lowest && stored <= padding.highest;
}

/** Stored value -> 0 to 255 before inversion, or `undefined` where they are the same. */
function grey(
  samples: Samples,
  options: DisplayOptions,
): ((stored: number) => number) | undefined {
  const { rescale: { slope, intercept }, modalityTable, window, voiTable } = options;
  const modality = (stored: number) =>
    modalityTable ? lookUp(modalityTable, stored) : slope * stored + intercept;
  if (window) {
    const ramp = windowRamp(window);
    return (stored) => ramp(modality(stored));
  }
  if (voiTable) {
    const highest = 2 ** voiTable.bits - 1;
    return (stored) => Math.min(lookUp(voiTable, modality(stored)) / highest, 1) * 255;
  }
  const plain = samples instanceof Uint8Array && !modalityTable && slope === 1 && intercept === 0;
  return plain ? undefined : stretch(samples, modality, options.padding);
}

/** The VOI functions of PS3.3, C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2, for 0 to 255. */
function windowRamp({ center, width, shape = "linear" }: Window): (value: number) => number {
  if (shape === "linear" ? !(width >= 1) : !(width > 0)) {
    const least = shape === "linear" ? "at least 1" : "above 0";
    throw new RangeError(
      `Cannot apply a ${shape} window as its width must be ${least}: it is ${width}`,
    );
  }
  if (shape === "sigmoid") {
    return (value) => 255 / (1 + Math.exp(-4 * (value - center) / width));
  }
  const middle = shape === "linear" ? center - 0.5 : center;
  const span = shape === "linear" ? width - 1 : width;
  return (value) =>
    value <= middle - span / 2
      ? 0
      : value > middle + span / 2
      ? 255
      : ((value - middle) / span + 0.5) * 255;
}

function stretch(
  samples: Samples,
  modality: (stored: number) => number,
  padding: DisplayOptions["padding"],
): (stored: number) => number {
  const possible = possibleValues(samples);
  const occurs = new Uint8Array(possible.count);
  for (let i = 0; i < samples.length; i++) occurs[samples[i]! - possible.lowest] = 1;
  let lowest = Infinity;
  let highest = -Infinity;
  for (let i = 0; i < occurs.length; i++) {
    const stored = possible.lowest + i;
    if (occurs[i] === 0 || isPadding(stored, padding)) continue;
    const value = modality(stored);
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  if (!(highest > lowest)) return () => 0;
  return (stored) => ((modality(stored) - lowest) / (highest - lowest)) * 255;
}
