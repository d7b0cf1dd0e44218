/**
 * Mirrors a square map left to right: what undoes the flip of a test-time augmentation.
 *
 * @param probabilities Row-major, `size * size` values.
 * @param size Rows and columns of the map.
 * @throws {RangeError} If the map has another size.
 */
export function flipHorizontal(probabilities: Float32Array, size: number): Float32Array {
  if (probabilities.length !== size * size) {
    throw new RangeError(
      `Cannot flip a map as it must hold ${size} x ${size} values: ${probabilities.length}`,
    );
  }
  const flipped = new Float32Array(probabilities.length);
  for (let row = 0; row < probabilities.length; row += size) {
    for (let x = 0; x < size; x++) flipped[row + x] = probabilities[row + size - 1 - x]!;
  }
  return flipped;
}

/**
 * The mean of several maps of one film: of its views (test-time augmentation) or of several models
 * (ensemble), each with the same weight.
 *
 * @param maps At least one map, all of the same length. The only one is given back itself.
 * @throws {RangeError} If there is no map, or if lengths differ.
 */
export function averageProbabilities(maps: readonly Float32Array[]): Float32Array {
  const length = maps[0]?.length;
  if (length === undefined) throw new RangeError("Cannot average maps as there is none");
  if (maps.length === 1) return maps[0]!;
  const mean = new Float32Array(length);
  for (const map of maps) {
    if (map.length !== length) {
      throw new RangeError(
        `Cannot average maps as their lengths differ, resize them first: ${length}, ${map.length}`,
      );
    }
    for (let i = 0; i < length; i++) mean[i]! += map[i]! / maps.length;
  }
  return mean;
}

/**
 * The pixels whose probability exceeds a level.
 *
 * @param probabilities Values 0 to 1.
 * @param level A pixel is set if its probability is strictly greater (default 0.5).
 * @returns As many values, 0 or 1.
 * @throws {RangeError} If the level is not in 0 to 1, or a probability is not a number.
 */
export function threshold(probabilities: Float32Array, level = 0.5): Uint8Array {
  checkLevel(level, "level");
  const mask = new Uint8Array(probabilities.length);
  for (let i = 0; i < mask.length; i++) {
    const probability = probabilities[i]!;
    if (probability > level) mask[i] = 1;
    else if (Number.isNaN(probability)) {
      throw new RangeError(`Cannot threshold a map as it holds NaN, first at pixel ${i}`);
    }
  }
  return mask;
}

/** @throws {RangeError} If the value is not in 0 to 1. */
export function checkLevel(value: number, name: string): void {
  if (!(value >= 0 && value <= 1)) {
    throw new RangeError(`Cannot threshold a map as ${name} must be in 0..1: ${value}`);
  }
}
