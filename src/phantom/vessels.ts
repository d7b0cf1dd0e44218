import type { Random } from "@/random/mod.ts";
import { type Anatomy, outward, type Side, sides } from "./anatomy.ts";
import { type Field, newField } from "./grid.ts";
import { drawStroke, type Point, roundProfile } from "./stroke.ts";

/** A vessel from its origin on, in film units and radians. */
interface Branch {
  x: number;
  y: number;
  angle: number;
  radius: number;
  length: number;
  depth: number;
}

const segment = 10;
const deepest = 5;

/** The pulmonary vessels: nine trees a side that fan out from each hilum and thin out. */
export function drawVessels(anatomy: Anatomy, random: Random, size: number): Field {
  const field = newField(size);
  for (const side of sides) {
    const hilum = hilumOf(anatomy, side);
    drawHilum(field, hilum, side);
    for (let k = 0; k < 9; k++) {
      const fan = -1.45 + (2.75 * (k + random.uniform(-0.3, 0.3))) / 8;
      drawBranch(field, random, {
        x: hilum[0] + random.uniform(-12, 12),
        y: hilum[1] + random.uniform(-50, 60),
        angle: side === 1 ? fan : Math.PI - fan,
        radius: random.uniform(4.5, 8),
        length: random.uniform(85, 130),
        depth: 0,
      });
    }
  }
  return field;
}

/** Where the vessels enter the lung. */
export function hilumOf({ midline, apex, inspiration }: Anatomy, side: Side): Point {
  return [midline + outward(side) * 78, apex + 320 * inspiration];
}

function drawHilum(field: Field, [x, y]: Point, side: Side): void {
  const out = outward(side);
  drawStroke(field, {
    points: [[x, y - 55], [x + 12 * out, y], [x + 4 * out, y + 80]],
    radius: () => 40,
    profile: roundProfile,
    amplitude: () => 0.16,
    blend: "max",
  });
}

function drawBranch(field: Field, random: Random, branch: Branch): void {
  const points: Point[] = [[branch.x, branch.y]];
  let { x, y, angle } = branch;
  const segments = Math.max(3, Math.round(branch.length / segment));
  for (let k = 0; k < segments; k++) {
    angle += 0.11 * random.normal();
    x += segment * Math.cos(angle);
    y += segment * Math.sin(angle);
    points.push([x, y]);
  }
  drawStroke(field, {
    points,
    radius: (t) => Math.max(0.9, branch.radius * (1 - 0.35 * t)),
    profile: roundProfile,
    amplitude: () => 0.05 + 0.028 * branch.radius,
    blend: "add",
  });

  const { depth, radius, length } = branch;
  if (depth < deepest && radius > 0.9) {
    const forks = random.chance(0.35) ? 3 : 2;
    for (let fork = 0; fork < forks; fork++) {
      drawBranch(field, random, {
        x,
        y,
        angle: angle + (fork === 0 ? -1 : 1) * random.uniform(0.2, 0.62),
        radius: radius * random.uniform(0.6, 0.8),
        length: length * random.uniform(0.66, 0.9),
        depth: depth + 1,
      });
    }
  }
  if (depth < deepest - 1) {
    const [twigX, twigY] = points[points.length >> 1]!;
    drawBranch(field, random, {
      x: twigX,
      y: twigY,
      angle: angle + random.pick([-1, 1]) * random.uniform(0.4, 0.9),
      radius: radius * 0.55,
      length: length * 0.6,
      depth: depth + 2,
    });
  }
}
