import type { Random } from "@/random/mod.ts";
import { type Anatomy, outward, type Side, sides } from "./anatomy.ts";
import { blur } from "./blur.ts";
import { centre, type Field, newField, smoothstep } from "./grid.ts";
import { drawStroke, type Point } from "./stroke.ts";

/** Ribs, collar bones, shoulder blades and vertebrae, as attenuation. */
export interface Bones {
  /** Drawn apart, as the heart's shadow hides them. */
  ribs: Field;
  others: Field;
}

/** A flat bone: a dense cortex at both edges around a lighter middle. */
function corticalProfile(q: number): number {
  return (0.62 + 0.38 * smoothstep(0.5, 0.84, q)) * (1 - smoothstep(0.84, 1, q));
}

/** `count` points of a curve whose parameter runs from 0 to 1. */
function curve(count: number, at: (t: number) => Point): Point[] {
  return Array.from({ length: count + 1 }, (_, k) => at(k / count));
}

export function drawBones(anatomy: Anatomy, random: Random, size: number): Bones {
  const ribs = newField(size);
  const others = newField(size);
  for (const side of sides) {
    drawRibs(ribs, anatomy, random, side);
    drawCollarBone(others, anatomy, random, side);
    drawShoulderBlade(others, anatomy, random, side);
  }
  drawVertebrae(others, anatomy, random);
  blur(ribs, 2);
  blur(others, 3);
  return { ribs, others };
}

/** Ten posterior ribs a side, and the anterior arcs of six of them. */
function drawRibs(field: Field, anatomy: Anatomy, random: Random, side: Side): void {
  const { midline, halfWidth, apex, inspiration } = anatomy;
  const out = outward(side);
  const spacing = random.uniform(69, 77) * inspiration;
  const tilt = random.uniform(0.85, 1.2);
  for (let k = 0; k < 10; k++) {
    const start = apex - 14 + k * spacing + random.uniform(-5, 5);
    const reach = halfWidth * (0.52 + 0.46 * smoothstep(0, 4.5, k)) + 12;
    const fall = (82 + 12 * k) * tilt * random.uniform(0.92, 1.08);
    const strength = random.uniform(0.24, 0.34);
    const radius = random.uniform(11.5, 13.5);
    const posterior = curve(30, (t) => [
      midline + out * (30 + (reach - 30) * Math.sin((t * Math.PI) / 2)),
      start - 22 * Math.sin(2.4 * t) + fall * t ** 2.6,
    ]);
    drawStroke(field, {
      points: posterior,
      radius: () => radius,
      profile: corticalProfile,
      amplitude: (t) => strength * (1 - 0.2 * t),
      blend: "max",
    });
    if (k === 0 || k > 6) continue;
    const [endX, endY] = posterior.at(-1)!;
    const descent = (92 + 10 * k) * random.uniform(0.9, 1.1);
    const faint = random.uniform(0.11, 0.19);
    const anterior = curve(20, (t) => [
      midline + (endX - midline) * (1 - 0.6 * t),
      endY + 22 + descent * Math.sin(1.45 * t),
    ]);
    drawStroke(field, {
      points: anterior,
      radius: () => radius + 2,
      profile: corticalProfile,
      amplitude: (t) => faint * (1 - 0.8 * t),
      blend: "max",
    });
  }
}

function drawCollarBone(field: Field, anatomy: Anatomy, random: Random, side: Side): void {
  const { midline, halfWidth, apex } = anatomy;
  const inner = apex + random.uniform(38, 75);
  const rise = random.uniform(25, 75);
  drawStroke(field, {
    points: curve(20, (t) => [
      midline + outward(side) * (38 + halfWidth * 0.92 * t),
      inner - rise * t + 15 * Math.sin(5.4 * t),
    ]),
    radius: (t) => 17 - 4 * Math.sin(3.1 * t),
    profile: corticalProfile,
    amplitude: () => 0.3,
    blend: "max",
  });
}

function drawShoulderBlade(field: Field, anatomy: Anatomy, random: Random, side: Side): void {
  const { midline, halfWidth, apex } = anatomy;
  const distance = halfWidth * random.uniform(0.86, 1.06);
  drawStroke(field, {
    points: curve(10, (t) => [
      midline + outward(side) * (distance + 42 * (1 - t) + 18 * Math.sin(3 * t)),
      apex + 60 + 330 * t,
    ]),
    radius: (t) => 26 - 8 * t,
    profile: (q) => 0.7 * smoothstep(1, 0.4, q),
    amplitude: () => 0.2,
    blend: "max",
  });
}

/** Vertebral bodies: faint blocks with rounded edges, denser end plates. */
function drawVertebrae(field: Field, { midline, apex }: Anatomy, random: Random): void {
  const { values, size, step } = field;
  const height = random.uniform(62, 70);
  const halfWidth = random.uniform(34, 42);
  const first = apex - 2 * height;
  for (let row = 0; row < size; row++) {
    const y = centre(row, step);
    if (y < first) continue;
    const within = (y - first) % height;
    const toPlate = Math.min(within, height - 8 - within);
    const block = smoothstep(-4, 6, toPlate) * (0.1 + 0.05 * smoothstep(14, 4, toPlate));
    const taper = 3 * Math.cos(((within / height) * 2 - 1) * 2.5);
    for (let column = 0; column < size; column++) {
      const edge = halfWidth - taper - Math.abs(centre(column, step) - midline);
      if (edge < -6) continue;
      const i = row * size + column;
      values[i] = Math.max(values[i]!, block * smoothstep(-6, 8, edge));
    }
  }
}
