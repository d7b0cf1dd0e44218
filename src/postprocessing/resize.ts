/**
 * Resizes a square map by bilinear interpolation with half-pixel centres and without smoothing when
 * it gets smaller: the same as OpenCV's `INTER_LINEAR` and TensorFlow's `ResizeBilinear` with
 * `halfPixelCenters`. Pixels outside the map repeat its border.
 *
 * @param probabilities Row-major, `from * from` values.
 * @param from Rows and columns of the input.
 * @param to Rows and columns of the output.
 * @returns Row-major, `to * to` values.
 * @throws {RangeError} If a size is not a positive integer, or the map has another size.
 */
export function resizeBilinear(
  probabilities: Float32Array,
  from: number,
  to: number,
): Float32Array {
  if (!(Number.isInteger(from) && Number.isInteger(to) && from > 0 && to > 0)) {
    throw new RangeError(
      `Cannot resize a map as its sizes must be positive integers: ${from} to ${to}`,
    );
  }
  if (probabilities.length !== from * from) {
    throw new RangeError(
      `Cannot resize a map as it must hold ${from} x ${from} values: ${probabilities.length}`,
    );
  }
  if (from === to) return probabilities.slice();
  const { first, second, weight } = interpolation(from, to);
  const resized = new Float32Array(to * to);
  for (let y = 0; y < to; y++) {
    const above = first[y]! * from;
    const below = second[y]! * from;
    const down = weight[y]!;
    for (let x = 0; x < to; x++) {
      const left = first[x]!;
      const right = second[x]!;
      const across = weight[x]!;
      const top = lerp(probabilities[above + left]!, probabilities[above + right]!, across);
      const bottom = lerp(probabilities[below + left]!, probabilities[below + right]!, across);
      resized[y * to + x] = lerp(top, bottom, down);
    }
  }
  return resized;
}

function lerp(a: number, b: number, weight: number): number {
  return a + (b - a) * weight;
}

/** For each output place along one axis: its two neighbours and the weight of the second. */
function interpolation(from: number, to: number) {
  const first = new Int32Array(to);
  const second = new Int32Array(to);
  const weight = new Float64Array(to);
  for (let i = 0; i < to; i++) {
    const centre = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    first[i] = Math.floor(centre);
    second[i] = Math.min(first[i]! + 1, from - 1);
    weight[i] = centre - first[i]!;
  }
  return { first, second, weight };
}
