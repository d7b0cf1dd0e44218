import type { Random } from "@/random/mod.ts";
import { clamp } from "./grid.ts";

/** The image's left (0, the patient's right) and its right (1, the patient's left). */
export type Side = 0 | 1;
export const sides: readonly Side[] = [0, 1];

/** -1 for the image's left, 1 for its right: multiplies distances from the midline. */
export function outward(side: Side): -1 | 1 {
  return side === 0 ? -1 : 1;
}

/** One patient's shape on one film, in film units. */
export interface Anatomy {
  /** x of the midline. */
  midline: number;
  /** Half the width of the rib cage. */
  halfWidth: number;
  /** y of the lungs' tops. */
  apex: number;
  /** y of the diaphragm's domes, by side. */
  dome: readonly [number, number];
  /** Depth of the breath: 1 is usual. */
  inspiration: number;
  /** Rotation of the patient on the film, in radians. */
  rotation: number;
  /** An ellipse; its long axis points along `(cosine, sine)`. */
  heart: { x: number; y: number; long: number; short: number; cosine: number; sine: number };
  /** Shift of each lung's outer wall, as a share of the width. */
  wallJitter: readonly [number, number];
  /** Flesh outside the rib cage. */
  flesh: number;
  /** y below the apex where the arms leave the trunk. */
  armpit: number;
}

/** Draws a patient's shape: women are narrower, bedside (AP) films show a larger heart. */
export function drawAnatomy(random: Random, sex: "M" | "F", view: "PA" | "AP"): Anatomy {
  const midline = 512 + 16 * random.normal();
  const halfWidth = 398 + 20 * random.normal() + (sex === "M" ? 10 : -12);
  const apex = 100 + 20 * random.normal() + (view === "AP" ? 12 : 0);
  const inspiration = random.uniform(0.92, 1.08);
  // The liver lifts the dome of the patient's right side.
  const dome = [
    apex + 635 * inspiration + 13 * random.normal(),
    apex + 662 * inspiration + 13 * random.normal(),
  ] as const;
  const size = (view === "AP" ? 1.1 : 1) * random.uniform(0.84, 1.12);
  const angle = random.uniform(0.5, 0.85);
  return {
    midline,
    halfWidth,
    apex,
    dome,
    inspiration,
    rotation: clamp(0.022 * random.normal(), -0.06, 0.06),
    heart: {
      x: midline + 60 * random.uniform(0.8, 1.2),
      y: Math.min(...dome) - 92 * size + 22 * random.normal(),
      long: 186 * size,
      short: 132 * size,
      cosine: Math.cos(angle),
      sine: Math.sin(angle),
    },
    wallJitter: [0.012 * random.normal(), 0.012 * random.normal()],
    flesh: random.uniform(62, 120),
    armpit: random.uniform(260, 460),
  };
}
