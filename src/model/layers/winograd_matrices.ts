/** The matrices of a minimal filtering algorithm `F(outputs, taps)`, row by row. */
export interface WinogradMatrices {
  /** Of the inputs. // [points, points] */
  input: number[][];
  /** Of the kernel. // [points, taps] */
  kernel: number[][];
  /** Of the products. // [outputs, points] */
  output: number[][];
}

/**
 * Matrices so that `output ((kernel g) * (input d))` are the `outputs` numbers of the correlation of `taps`
 * weights `g` with `outputs + taps - 1` inputs `d`, with one product for each input: the inputs and
 * the weights are taken for polynomials, which are multiplied where they are known at enough points, the
 * last of them infinity (Winograd 1980, "Arithmetic Complexity of Computations", after Toom and Cook).
 *
 * @param points `outputs + taps - 2` different numbers. They decide how much is lost to rounding.
 * @throws {RangeError} If their number is another, or two are the same.
 */
export function winogradMatrices(
  outputs: number,
  taps: number,
  points: readonly number[],
): WinogradMatrices {
  if (points.length !== outputs + taps - 2 || new Set(points).size !== points.length) {
    throw new RangeError(
      `Cannot make F(${outputs}, ${taps}) as it takes ${outputs + taps - 2} different points: ` +
        points.join(", "),
    );
  }
  const others = points.map((_, i) => points.filter((_, j) => j !== i));
  const distances = points.map((point, i) =>
    others[i]!.reduce((product, other) => product * (point - other), 1)
  );
  const powers = (point: number, count: number) =>
    Array.from({ length: count }, (_, k) => point ** k);
  const highest = (count: number) =>
    Array.from({ length: count }, (_, k) => k === count - 1 ? 1 : 0);
  const columns = [...points.map((point) => powers(point, outputs)), highest(outputs)];
  return {
    input: [...others.map((roots) => [...polynomial(roots), 0]), polynomial(points)],
    kernel: [
      ...points.map((point, i) => powers(point, taps).map((power) => power / distances[i]!)),
      highest(taps),
    ],
    output: Array.from({ length: outputs }, (_, k) => columns.map((column) => column[k]!)),
  };
}

/** Coefficients of the polynomial with these roots, from the constant one on. */
function polynomial(roots: readonly number[]): number[] {
  return roots.reduce<number[]>(
    (coefficients, root) =>
      [0, ...coefficients].map((shifted, k) => shifted - root * (coefficients[k] ?? 0)),
    [1],
  );
}
