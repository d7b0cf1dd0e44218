/** Stored values of one frame, row by row. */
export type Samples = Uint8Array | Int8Array | Uint16Array | Int16Array;

/** How stored values become grey levels. */
export interface DisplayOptions {
  /** Modality value = `slope * stored + intercept`. */
  rescale: { slope: number; intercept: number };
  /** Modality values to show; `undefined` shows everything from the lowest to the highest. */
  window: { center: number; width: number } | undefined;
  /** MONOCHROME1: the lowest value is white. */
  inverted: boolean;
}

/**
 * The grey levels 0 to 255 that a display would show (PS3.4, N.2): rescale, window, and inversion
 * last.
 *
 * Unsigned 8-bit samples without rescale and window are shown as they are. Other samples without a
 * window are stretched between their lowest and highest value; a constant image becomes 0.
 *
 * @param samples Stored values, any shape.
 * @returns As many grey levels, in the same order.
 * @throws {RangeError} If the window's width is below 1, which the standard forbids.
 */
export function toDisplay(samples: Samples, options: DisplayOptions): Uint8Array {
  const { rescale, window, inverted } = options;
  const plain = samples instanceof Uint8Array && rescale.slope === 1 && rescale.intercept === 0;
  const grey = plain && window === undefined
    ? samples.slice()
    : window === undefined
    ? stretch(samples, rescale)
    : applyWindow(samples, rescale, window);
  if (inverted) {
    for (let i = 0; i < grey.length; i++) grey[i] = 255 - grey[i]!;
  }
  return grey;
}

/** The linear VOI function of PS3.3, C.11.2.1.2.1, for an output from 0 to 255. */
function applyWindow(
  samples: Samples,
  rescale: DisplayOptions["rescale"],
  { center, width }: { center: number; width: number },
): Uint8Array {
  if (!(width >= 1)) {
    throw new RangeError(`Cannot apply a window as its width must be at least 1: it is ${width}`);
  }
  const grey = new Uint8Array(samples.length);
  const lowest = center - 0.5 - (width - 1) / 2;
  const highest = center - 0.5 + (width - 1) / 2;
  for (let i = 0; i < samples.length; i++) {
    const value = rescale.slope * samples[i]! + rescale.intercept;
    if (value <= lowest) grey[i] = 0;
    else if (value > highest) grey[i] = 255;
    else grey[i] = Math.round(((value - (center - 0.5)) / (width - 1) + 0.5) * 255);
  }
  return grey;
}

function stretch(samples: Samples, { slope, intercept }: DisplayOptions["rescale"]): Uint8Array {
  let lowest = Infinity;
  let highest = -Infinity;
  for (let i = 0; i < samples.length; i++) {
    const value = slope * samples[i]! + intercept;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  const grey = new Uint8Array(samples.length);
  if (highest === lowest) return grey;
  for (let i = 0; i < samples.length; i++) {
    const value = slope * samples[i]! + intercept;
    grey[i] = Math.round(((value - lowest) / (highest - lowest)) * 255);
  }
  return grey;
}
