import type { Random } from "@/random/mod.ts";
import { type Anatomy, outward, sides } from "./anatomy.ts";
import type { DifficultySettings } from "./difficulty.ts";
import { type Field, forEachSample, newField, smoothstep } from "./grid.ts";
import { drawStroke, type Point } from "./stroke.ts";

/** What a network may mistake for a pneumothorax, or use as a shortcut to it. */
export interface Confounders {
  /** Attenuation of tubes and leads. */
  devices: Field;
  /** Attenuation of skin folds. */
  folds: Field;
  /** Attenuation of opacities in the lung. */
  opacities: Field;
  hasChestTube: boolean;
}

export function drawConfounders(
  anatomy: Anatomy,
  random: Random,
  size: number,
  film: { view: "PA" | "AP"; positive: boolean; settings: DifficultySettings },
): Confounders {
  const devices = newField(size);
  const folds = newField(size);
  const opacities = newField(size);
  const { chestTube, skinFold, opacities: opacityChance } = film.settings;
  const hasChestTube = random.chance(film.positive ? chestTube.positive : chestTube.negative);
  if (hasChestTube) drawChestTube(devices, anatomy, random);
  if (film.view === "AP" && random.chance(0.5)) drawLeads(devices, random);
  if (random.chance(skinFold)) drawSkinFold(folds, anatomy, random);
  if (random.chance(opacityChance)) {
    for (let k = 1 + random.integer(3); k > 0; k--) addOpacity(opacities, anatomy, random);
  }
  return { devices, folds, opacities, hasChestTube };
}

/** From the side of the chest, up towards the apex. */
function drawChestTube(field: Field, anatomy: Anatomy, random: Random): void {
  const { midline, halfWidth, apex } = anatomy;
  const out = outward(random.pick(sides));
  const entry: Point = [midline + out * halfWidth * 1.05, apex + random.uniform(380, 560)];
  const tip: Point = [
    midline + out * halfWidth * random.uniform(0.3, 0.6),
    apex + random.uniform(60, 330),
  ];
  drawStroke(field, {
    points: Array.from({ length: 26 }, (_, k): Point => {
      const t = k / 25;
      return [
        entry[0] + (tip[0] - entry[0]) * t + 30 * Math.sin(3.1 * t) * out,
        entry[1] + (tip[1] - entry[1]) * t ** 1.5,
      ];
    }),
    radius: () => 6.5,
    profile: (q) => (q > 0.55 ? 0.8 : 0.4),
    amplitude: () => 0.3,
    blend: "max",
  });
}

/** Three electrodes with their wires. */
function drawLeads(field: Field, random: Random): void {
  for (let lead = 0; lead < 3; lead++) {
    let x = random.uniform(150, 870);
    let y = random.uniform(150, 750);
    let angle = random.uniform(0, 2 * Math.PI);
    const points: Point[] = [[x, y]];
    for (let k = 0; k < 60; k++) {
      angle += 0.09 * random.normal();
      x += 14 * Math.cos(angle);
      y += 14 * Math.sin(angle);
      points.push([x, y]);
    }
    const flat = () => 1;
    const [start] = points;
    drawStroke(field, {
      points: [start!, [start![0] + 0.1, start![1]]],
      radius: () => 12,
      profile: flat,
      amplitude: () => 0.45,
      blend: "max",
    });
    drawStroke(field, {
      points,
      radius: () => 2.6,
      profile: flat,
      amplitude: () => 0.25,
      blend: "max",
    });
  }
}

/** A long soft edge that imitates a pleural line, but lung markings go on beyond it. */
function drawSkinFold(field: Field, anatomy: Anatomy, random: Random): void {
  const { midline, halfWidth, apex } = anatomy;
  const out = outward(random.pick(sides));
  let x = midline + out * halfWidth * random.uniform(0.5, 0.9);
  let y = apex + random.uniform(40, 200);
  const points: Point[] = [];
  for (let k = 0; k < 45; k++) {
    points.push([x, y]);
    x += out * random.uniform(-1, 3);
    y += 9;
  }
  const fade = (t: number) => smoothstep(0, 0.2, t) * smoothstep(1, 0.8, t);
  drawStroke(field, {
    points,
    radius: () => 42,
    profile: (q) => 1 - q,
    amplitude: (t) => 0.09 * fade(t),
    blend: "max",
  });
}

function addOpacity(field: Field, { midline, halfWidth, apex }: Anatomy, random: Random): void {
  const x = midline + random.uniform(-0.8, 0.8) * halfWidth;
  const y = apex + random.uniform(200, 620);
  const radius = random.uniform(30, 110);
  const strength = random.uniform(0.05, 0.2);
  forEachSample(field, (sampleX, sampleY, i) => {
    const squared = ((sampleX - x) ** 2 + (sampleY - y) ** 2) / (radius * radius);
    if (squared < 6) field.values[i]! += strength * Math.exp(-squared);
  });
}
