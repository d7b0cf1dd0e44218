import type { Random } from "@/random/mod.ts";
import { type Anatomy, outward, type Side } from "./anatomy.ts";
import type { DifficultySettings } from "./difficulty.ts";
import { distanceTo } from "./distance.ts";
import { clamp, type Field, forEachSample, newField } from "./grid.ts";
import type { SoftTissue } from "./soft_tissue.ts";

/** Gas between lung and chest wall. */
export interface Pneumothorax {
  sides: Side[];
  /**
   * Signed distance to the collapsed lung's edge, in film units: above 0 in the gas. Only valid
   * inside the lung fields.
   */
  edge: Field;
}

/** A layer of gas thinner than this is not drawn, in film units. */
const thinnest = 3.5;
/** Share of the film that the competition's masks cover: the median over the positives. */
const medianCoverage = 0.0082;

/** Draws the share of the film that gas covers. */
export function drawCoverage(random: Random, { coverage }: DifficultySettings): number {
  return clamp(
    Math.exp(random.normal(coverage.logMean, coverage.logDeviation)),
    ...coverage.limits,
  );
}

/**
 * Draws a pneumothorax: a layer of gas along the chest wall, thickest at one place (mostly the
 * apex), whose thickness is solved for so that it covers the wanted share of the film.
 *
 * @param coverage Wanted share of the film, over both sides.
 */
export function drawPneumothorax(
  anatomy: Anatomy,
  tissue: SoftTissue,
  random: Random,
  coverage: number,
): Pneumothorax {
  const edge = newField(tissue.body.size);
  edge.values.fill(-1e3);
  // Of the competition's masks 59 % lie on the image's left, and few on both sides.
  const side: Side = random.chance(0.594) ? 0 : 1;
  const affected: Side[] = random.chance(0.05) ? [0, 1] : [side];
  for (const one of affected) {
    drawGas(edge, anatomy, tissue, random, one, coverage / affected.length);
  }
  return { sides: affected, edge };
}

function drawGas(
  edge: Field,
  anatomy: Anatomy,
  tissue: SoftTissue,
  random: Random,
  side: Side,
  coverage: number,
): void {
  const { size } = edge;
  const out = outward(side);
  const [centreX, centreY] = [anatomy.midline + out * 30, anatomy.apex + 420];
  const position = drawPosition(random);
  // Width and depth of the layer grow alike: each with the root of its area.
  const usualWidth = clamp(0.21 * Math.sqrt(coverage / medianCoverage), 0.08, 0.9);
  const width = usualWidth * random.uniform(0.75, 1.3);
  const phases = [random.uniform(0, 2 * Math.PI), random.uniform(0, 2 * Math.PI)] as const;

  // The layer's thickness is `depth * shape`; a sample is gas if it is nearer to the wall.
  const fromWall = distanceTo(tissue.wall[side], size).values;
  const shape = new Float32Array(size * size);
  const ratios = new Float32Array(size * size);
  let inLung = 0;
  forEachSample(edge, (x, y, i) => {
    const angle = Math.atan2((x - centreX) * out, centreY - y);
    const bell = Math.exp(-0.5 * ((angle - position) / width) ** 2);
    const waves = 1 + 0.13 * Math.sin(3 * angle + phases[0]) +
      0.07 * Math.sin(7 * angle + phases[1]);
    shape[i] = bell * waves + 1e-6;
    if (tissue.lungOf[i] === side + 1) ratios[inLung++] = fromWall[i]! / shape[i]!;
  });
  const sorted = ratios.subarray(0, inLung).sort();
  const depth = sorted[Math.min(inLung - 1, Math.round(coverage * size * size))]!;
  const isOurs = (x: number) => (x - anatomy.midline) * out >= 0;
  forEachSample(edge, (x, _y, i) => {
    if (!isOurs(x)) return;
    const thickness = depth * shape[i]!;
    edge.values[i] = Math.min(thickness - fromWall[i]!, thickness - thinnest);
  });
}

/** The angle at the hilum where the gas is thickest: 0 is up, π/2 outward. */
function drawPosition(random: Random): number {
  const kind = random.uniform();
  if (kind < 0.74) return random.uniform(0.25, 0.85); // at the apex
  if (kind < 0.9) return random.uniform(1.1, 1.8); // at the side
  return random.uniform(1.9, 2.5); // at the base
}
