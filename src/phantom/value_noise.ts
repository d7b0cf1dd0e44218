import type { Random } from "@/random/mod.ts";
import { centre, type Field } from "./grid.ts";

/**
 * Adds value noise: normal numbers on a lattice, smoothly interpolated.
 *
 * @param cell Distance between lattice points, in film units.
 * @param amplitude Standard deviation at the lattice points.
 */
export function addValueNoise(
  field: Field,
  random: Random,
  { cell, amplitude }: { cell: number; amplitude: number },
): void {
  const { values, size, step } = field;
  const points = Math.ceil((size * step) / cell) + 2;
  const lattice = Float32Array.from({ length: points * points }, () => amplitude * random.normal());
  const cells = new Uint16Array(size);
  const weights = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const position = centre(i, step) / cell;
    const t = position % 1;
    cells[i] = Math.floor(position);
    weights[i] = t * t * (3 - 2 * t);
  }
  for (let row = 0; row < size; row++) {
    const above = cells[row]! * points;
    const below = above + points;
    const down = weights[row]!;
    for (let column = 0; column < size; column++) {
      const left = cells[column]!;
      const across = weights[column]!;
      const top = lattice[above + left]! * (1 - across) + lattice[above + left + 1]! * across;
      const bottom = lattice[below + left]! * (1 - across) + lattice[below + left + 1]! * across;
      values[row * size + column]! += top * (1 - down) + bottom * down;
    }
  }
}
