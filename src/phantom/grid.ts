/**
 * Positions on the film are given in film units: 1024 a side, x to the right, y downwards. Fields
 * are drawn on a square grid of that film, coarser than the final image.
 */
export const filmUnits = 1024;

/** Samples on a square film, row by row; sample `(column, row)` lies at the centre of its cell. */
export interface Field {
  values: Float32Array; // [size * size]
  /** Samples a side. */
  size: number;
  /** Film units between neighbouring samples. */
  step: number;
}

/** A field of zeros. */
export function newField(size: number): Field {
  return { values: new Float32Array(size * size), size, step: filmUnits / size };
}

/** The film coordinate of a row's or a column's centre. */
export function centre(index: number, step: number): number {
  return (index + 0.5) * step;
}

/** Calls `draw` for each sample with its film coordinates and its index. */
export function forEachSample(
  { size, step }: Field,
  draw: (x: number, y: number, index: number) => void,
): void {
  for (let row = 0; row < size; row++) {
    const y = centre(row, step);
    for (let column = 0; column < size; column++) {
      draw(centre(column, step), y, row * size + column);
    }
  }
}

export function clamp(value: number, low = 0, high = 1): number {
  return value < low ? low : value > high ? high : value;
}

/** 0 below `low`, 1 above `high`, a smooth cubic between; the limits may be given in reverse. */
export function smoothstep(low: number, high: number, value: number): number {
  const t = clamp((value - low) / (high - low));
  return t * t * (3 - 2 * t);
}

/** The field at twice the resolution, bilinear between the centres of samples. */
export function upsampleTwofold({ values, size }: Field): Field {
  const fine = newField(2 * size);
  const target = fine.values;
  for (let row = 0; row < fine.size; row++) {
    // The centre of a fine row lies a quarter of a coarse row from the centre of the nearest one.
    const near = row >> 1;
    const far = clamp(row % 2 === 0 ? near - 1 : near + 1, 0, size - 1);
    const blended = new Float32Array(size);
    for (let column = 0; column < size; column++) {
      blended[column] = 0.75 * values[near * size + column]! + 0.25 * values[far * size + column]!;
    }
    const start = row * fine.size;
    for (let column = 0; column < size; column++) {
      const here = blended[column]!;
      const left = column > 0 ? blended[column - 1]! : here;
      const right = column < size - 1 ? blended[column + 1]! : here;
      target[start + 2 * column] = 0.75 * here + 0.25 * left;
      target[start + 2 * column + 1] = 0.75 * here + 0.25 * right;
    }
  }
  return fine;
}
