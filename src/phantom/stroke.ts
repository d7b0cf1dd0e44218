import { centre, clamp, type Field } from "./grid.ts";

export type Point = readonly [x: number, y: number];

/** How a line is drawn; `t` runs from 0 at its first point to 1 at its last. */
export interface Stroke {
  points: readonly Point[];
  /** Half the width, in film units. */
  radius: (t: number) => number;
  /** The strength across the line; `q` is 0 at its middle and 1 at its edge. */
  profile: (q: number) => number;
  /** The strength along the line. */
  amplitude: (t: number) => number;
  /**
   * "add" sums up what is crossed, as rays do, and ends bluntly, so that joints are not counted
   * twice; "max" has round ends and lets a line cross itself without a bright spot.
   */
  blend: "max" | "add";
}

/** A round cross-section, for example a vessel's. */
export function roundProfile(q: number): number {
  const inside = 1 - q * q;
  return inside * Math.sqrt(inside);
}

/** Draws a line of varying width, segment by segment, each in its bounding box. */
export function drawStroke(field: Field, stroke: Stroke): void {
  const last = stroke.points.length - 1;
  for (let k = 0; k < last; k++) {
    drawSegment(field, stroke, stroke.points[k]!, stroke.points[k + 1]!, k / last);
  }
}

function drawSegment(field: Field, stroke: Stroke, from: Point, to: Point, t: number): void {
  const { values, size, step } = field;
  const wanted = stroke.radius(t);
  // A line thinner than the grid is drawn wider and weaker: the same attenuation, no aliasing.
  const radius = Math.max(wanted, 1.1 * step);
  const dx = to[0] - from[0];
  const dy = to[1] - from[1];
  const lengthSquared = dx * dx + dy * dy + 1e-9;
  const amplitude = stroke.amplitude(t) * (wanted / radius);
  const firstRow = Math.max(0, Math.floor((Math.min(from[1], to[1]) - radius) / step));
  const lastRow = Math.min(size - 1, Math.floor((Math.max(from[1], to[1]) + radius) / step));
  const firstColumn = Math.max(0, Math.floor((Math.min(from[0], to[0]) - radius) / step));
  const lastColumn = Math.min(size - 1, Math.floor((Math.max(from[0], to[0]) + radius) / step));
  for (let row = firstRow; row <= lastRow; row++) {
    const y = centre(row, step) - from[1];
    for (let column = firstColumn; column <= lastColumn; column++) {
      const x = centre(column, step) - from[0];
      const position = (x * dx + y * dy) / lengthSquared;
      const along = clamp(position);
      if (stroke.blend === "add" && along !== position) continue;
      const awayX = x - along * dx;
      const awayY = y - along * dy;
      const q = Math.sqrt(awayX * awayX + awayY * awayY) / radius;
      if (q >= 1) continue;
      const value = amplitude * stroke.profile(q);
      const i = row * size + column;
      if (stroke.blend === "add") values[i]! += value;
      else if (value > values[i]!) values[i] = value;
    }
  }
}
