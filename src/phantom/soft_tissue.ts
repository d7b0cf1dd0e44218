import { type Anatomy, outward, type Side } from "./anatomy.ts";
import { blur } from "./blur.ts";
import { distanceTo } from "./distance.ts";
import { clamp, type Field, forEachSample, newField, smoothstep } from "./grid.ts";

/** The parts of the chest that everything else is drawn into. */
export interface SoftTissue {
  /** Thickness of the body, 0 outside to about 1. */
  body: Field;
  /** Mediastinum and heart, 0 to about 1.5. */
  mediastinum: Field;
  /** The abdomen below the domes, 0 to 1. */
  abdomen: Field;
  /** 1 in the lungs and 0 elsewhere, with an edge one or two samples soft. */
  lungs: Field;
  /** Depth of lung that a ray passes, 0 to 1. */
  lungDepth: Field;
  /** Which lung a sample belongs to: 0 none, 1 the image's left, 2 its right. */
  lungOf: Uint8Array;
  /** By side: 1 where the outer and upper chest wall adjoins the lung; gas collects from there. */
  wall: readonly [Uint8Array, Uint8Array];
}

/** Depth at which a lung reaches its full thickness, from its edge, in film units. */
const roundingDepth = 120;

/** Draws the soft tissue on a grid of `size` samples a side. */
export function drawSoftTissue(anatomy: Anatomy, size: number): SoftTissue {
  const body = newField(size);
  const mediastinum = newField(size);
  const abdomen = newField(size);
  const lungOf = new Uint8Array(size * size);
  const wall = [new Uint8Array(size * size), new Uint8Array(size * size)] as const;
  const heartEdge = newField(size);
  const cosine = Math.cos(anatomy.rotation);
  const sine = Math.sin(anatomy.rotation);

  forEachSample(body, (x, y, i) => {
    const across = (x - anatomy.midline) * cosine + (y - 512) * sine;
    const down = (y - 512) * cosine - (x - anatomy.midline) * sine + 512;
    const side: Side = across < 0 ? 0 : 1;
    const away = Math.abs(across);
    const inner = innerBorder(anatomy, side, down);
    const outer = outerBorder(anatomy, side, down);
    const heart = heartRadius(anatomy, x, y);
    const dome = domeAt(anatomy, side, x);
    const belowApex = isBelowApex(anatomy, side, away, down);
    const aboveDome = down <= dome;

    if (aboveDome && heart >= 1) {
      if (belowApex && away < outer && away > inner) lungOf[i] = side + 1;
      else if (away >= outer || !belowApex) wall[side][i] = 1;
    }
    body.values[i] = bodyThickness(anatomy, x, down, away);
    mediastinum.values[i] = 0.75 * Math.exp(-((across / (inner + 26)) ** 4)) +
      0.8 * Math.sqrt(clamp(1 - 0.8 * heart * heart));
    abdomen.values[i] = down > anatomy.apex + 250 ? smoothstep(0, 60, down - dome) : 0;
    heartEdge.values[i] = smoothstep(0.98, 1.22, heart);
  });
  blur(body, 8);
  blur(mediastinum, 10);
  blur(abdomen, 4);

  const outside = new Uint8Array(size * size);
  const lungs = newField(size);
  for (let i = 0; i < outside.length; i++) {
    outside[i] = lungOf[i] === 0 ? 1 : 0;
    lungs.values[i] = 1 - outside[i]!;
  }
  const lungDepth = distanceTo(outside, size);
  for (let i = 0; i < outside.length; i++) {
    const rounding = 1 - Math.min(1, lungDepth.values[i]! / roundingDepth);
    // The heart's border moves and is partly covered by lung: its edge must not be cut with a knife.
    const beside = 0.5 + 0.5 * heartEdge.values[i]!;
    lungDepth.values[i] = Math.sqrt(1 - rounding * rounding) * beside;
  }
  blur(lungs, 2);
  return { body, mediastinum, abdomen, lungs, lungDepth, lungOf, wall };
}

/** How far down the lung a row lies: 0 at the apex, 1 at the lowest point of the base. */
function relativeHeight({ apex, dome }: Anatomy, side: Side, down: number): number {
  return (down - apex) / (dome[side] + 130 - apex);
}

/** Distance of the lung's outer wall from the midline. */
function outerBorder(anatomy: Anatomy, side: Side, down: number): number {
  const height = clamp(relativeHeight(anatomy, side, down));
  const barrel = 0.4 + 0.58 * (1 - (1 - height) ** 2.7) ** 0.6;
  const waist = 1 - 0.05 * smoothstep(0.75, 1, height);
  return anatomy.halfWidth * barrel * waist * (1 + anatomy.wallJitter[side]);
}

/** Distance of the lung's inner border from the midline: wider at the apex and the hilum. */
function innerBorder(anatomy: Anatomy, side: Side, down: number): number {
  const height = relativeHeight(anatomy, side, down);
  return 42 + 40 * smoothstep(0.15, 0, height) + 26 * Math.exp(-(((height - 0.42) / 0.12) ** 2));
}

/** Whether a point lies below the rounded top of its lung. */
function isBelowApex(anatomy: Anatomy, side: Side, away: number, down: number): boolean {
  const height = relativeHeight(anatomy, side, down);
  if (height <= 0) return false;
  if (height >= 0.12) return true;
  const halfChord = anatomy.halfWidth * 0.33 * Math.sqrt(height / 0.12);
  return Math.abs(away - anatomy.halfWidth * 0.4) < halfChord;
}

/** Distance from the heart's centre, 1 on its outline. */
function heartRadius({ heart }: Anatomy, x: number, y: number): number {
  const along = ((x - heart.x) * heart.cosine + (y - heart.y) * heart.sine) / heart.long;
  const beside = ((y - heart.y) * heart.cosine - (x - heart.x) * heart.sine) / heart.short;
  return Math.sqrt(along * along + beside * beside);
}

/** y of the diaphragm: a dome that falls steeply to the outside, gently to the spine. */
function domeAt(anatomy: Anatomy, side: Side, x: number): number {
  const half = anatomy.halfWidth * 0.5;
  const offset = (x - anatomy.midline) * outward(side) - half;
  return anatomy.dome[side] +
    150 * (Math.abs(offset) / half) ** 2.2 * (offset > 0 ? 0.95 : 0.35);
}

/** Neck, shoulders, trunk and arms. */
function bodyThickness(anatomy: Anatomy, x: number, down: number, away: number): number {
  const { apex, halfWidth, flesh, armpit } = anatomy;
  const slope = down + 14 * Math.sin(x / 90);
  const shoulders = 135 + 560 * smoothstep(apex - 135, apex + 130, slope);
  const trunk = halfWidth + flesh + 30 * smoothstep(apex + 300, 1024, down) +
    480 * smoothstep(apex + armpit, apex + 40, down);
  const depth = Math.min(shoulders, down > apex + 60 ? trunk : Infinity) - away;
  return depth > 0 ? Math.sqrt(clamp(depth / 175)) : 0;
}
