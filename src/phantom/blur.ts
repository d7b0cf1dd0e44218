import { clamp, type Field } from "./grid.ts";

/**
 * Blurs a field in place with two passes of a box, close to a Gaussian.
 *
 * @param radius In film units; the box is at least one sample wide, then nothing changes.
 */
export function blur(field: Field, radius: number): void {
  const { values, size, step } = field;
  const reach = Math.round(radius / step);
  if (reach < 1) return;
  const line = new Float32Array(size);
  for (let pass = 0; pass < 2; pass++) {
    for (let i = 0; i < size; i++) {
      blurLine(values, i * size, 1, size, reach, line);
    }
    for (let i = 0; i < size; i++) {
      blurLine(values, i, size, size, reach, line);
    }
  }
}

/** A running mean along one row or column; the border sample goes on beyond the border. */
function blurLine(
  values: Float32Array,
  start: number,
  stride: number,
  size: number,
  reach: number,
  line: Float32Array,
): void {
  for (let i = 0; i < size; i++) line[i] = values[start + i * stride]!;
  const width = 2 * reach + 1;
  let sum = 0;
  for (let k = -reach; k <= reach; k++) sum += line[clamp(k, 0, size - 1)]!;
  for (let i = 0; i < size; i++) {
    values[start + i * stride] = sum / width;
    sum += line[Math.min(size - 1, i + reach + 1)]! - line[Math.max(0, i - reach)]!;
  }
}
