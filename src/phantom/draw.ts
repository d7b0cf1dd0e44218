import { Random } from "@/random/mod.ts";
import { type Anatomy, drawAnatomy } from "./anatomy.ts";
import { drawBones } from "./bones.ts";
import { drawConfounders } from "./confounders.ts";
import { drawExposure, expose } from "./detector.ts";
import { difficulties, type Difficulty, type DifficultySettings } from "./difficulty.ts";
import {
  clamp,
  type Field,
  filmUnits,
  forEachSample,
  newField,
  smoothstep,
  upsampleTwofold,
} from "./grid.ts";
import { drawCoverage, drawPneumothorax, type Pneumothorax } from "./pneumothorax.ts";
import { drawSoftTissue, type SoftTissue } from "./soft_tissue.ts";
import { addValueNoise } from "./value_noise.ts";
import { drawVessels } from "./vessels.ts";

/** What is fixed about a phantom; the rest is drawn from its seed. */
export interface PhantomOptions {
  /** Default: "clear". */
  difficulty?: Difficulty;
  /** Default: drawn with the difficulty's prevalence. */
  positive?: boolean;
  /** Share of the film that gas covers, above 0 and at most 0.2. Default: drawn. */
  coverage?: number;
  /** Default: drawn. */
  sex?: "M" | "F";
  /** Default: drawn. */
  view?: "PA" | "AP";
  /** Pixels a side, an even number from 64 to 2048. Default: 1024, as in the competition. */
  size?: number;
}

/** A synthetic chest radiograph and what is true about it. */
export interface Phantom {
  /** Grey levels, row by row. */
  image: Uint8Array; // [size * size]
  /** 1 where there is a pneumothorax. */
  mask: Uint8Array; // [size * size]
  /** 1 in the lung fields; the mask lies within. */
  lungs: Uint8Array; // [size * size]
  size: number;
  positive: boolean;
  /** Share of the film that the mask covers. */
  coverage: number;
  sex: "M" | "F";
  view: "PA" | "AP";
  /** Where the gas is, on the image. */
  sides: ("left" | "right")[];
  hasChestTube: boolean;
}

/**
 * Draws a synthetic chest radiograph: an attenuation model of the chest, with a layer of gas along
 * the chest wall where vessels and texture end at a pleural line. The anatomy is drawn on a grid of
 * half the resolution; the gas's edge and the detector's noise have the full one.
 *
 * It imitates the films' statistics (the masks' size and place, devices, noise), not their detail:
 * it is made to try a workflow on, and no result on it says anything about patients.
 *
 * @param seed The same seed and options give the same bytes.
 * @throws {RangeError} If an option is out of range.
 */
export function drawPhantom(seed: number, options: PhantomOptions = {}): Phantom {
  const { difficulty = "clear", size = filmUnits } = options;
  const settings = difficulties[difficulty];
  checkOptions(options, size);
  const stream = (name: string) => new Random(seed, "phantom", name);

  const choices = stream("choices");
  const drawn = {
    positive: choices.chance(settings.prevalence),
    sex: choices.chance(0.565) ? "M" as const : "F" as const,
    view: choices.chance(0.6) ? "PA" as const : "AP" as const,
    coverage: drawCoverage(choices, settings),
  };
  const { positive, sex, view, coverage } = { ...drawn, ...definedOnly(options) };

  const anatomy = drawAnatomy(stream("anatomy"), sex, view);
  const tissue = drawSoftTissue(anatomy, size / 2);
  const pneumothorax = positive
    ? drawPneumothorax(anatomy, tissue, stream("pneumothorax"), coverage)
    : undefined;
  const chest = drawChest(anatomy, tissue, stream, { view, positive, settings });
  const lungs = threshold(upsampleTwofold(tissue.lungs), 0.5);
  const attenuation = upsampleTwofold(chest.attenuation);
  const mask = pneumothorax
    ? addGas(attenuation, chest.gasChange, lungs, pneumothorax, {
      ...settings,
      strength: stream("pleura").uniform(...settings.pleuralLine),
    })
    : new Uint8Array(size * size);
  const detector = stream("detector");
  const image = expose(attenuation, detector, drawExposure(detector));

  return {
    image,
    mask,
    lungs,
    size,
    positive,
    coverage: share(mask),
    sex,
    view,
    sides: (pneumothorax?.sides ?? []).map((side) => side === 0 ? "left" : "right"),
    hasChestTube: chest.hasChestTube,
  };
}

function checkOptions({ difficulty, coverage }: PhantomOptions, size: number): void {
  if (difficulty !== undefined && !(difficulty in difficulties)) {
    throw new RangeError(
      `Cannot draw a phantom as difficulty must be one of ${
        Object.keys(difficulties).join(", ")
      }: ` +
        `it is ${difficulty}`,
    );
  }
  if (!Number.isInteger(size) || size % 2 !== 0 || size < 64 || size > 2048) {
    throw new RangeError(
      `Cannot draw a phantom as size must be an even number from 64 to 2048: it is ${size}`,
    );
  }
  if (coverage !== undefined && !(coverage > 0 && coverage <= 0.2)) {
    throw new RangeError(
      `Cannot draw a phantom as coverage must be above 0 and at most 0.2: it is ${coverage}`,
    );
  }
}

function definedOnly<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}

function threshold({ values }: Field, limit: number): Uint8Array {
  const mask = new Uint8Array(values.length);
  for (let i = 0; i < mask.length; i++) mask[i] = values[i]! > limit ? 1 : 0;
  return mask;
}

function share(mask: Uint8Array): number {
  let pixels = 0;
  for (let i = 0; i < mask.length; i++) pixels += mask[i]!;
  return pixels / mask.length;
}

interface Chest {
  attenuation: Field;
  /** What attenuation changes by where gas takes the lung's place. */
  gasChange: Field;
  hasChestTube: boolean;
}

/** Sums up what a ray passes; weights are in units of the trunk's attenuation. */
function drawChest(
  anatomy: Anatomy,
  tissue: SoftTissue,
  stream: (name: string) => Random,
  film: { view: "PA" | "AP"; positive: boolean; settings: DifficultySettings },
): Chest {
  const { size } = tissue.body;
  const looks = stream("looks");
  const air = looks.uniform(0.62, 0.76);
  const markings = looks.uniform(...film.settings.markings);
  const grain = looks.uniform(0.014, 0.025);
  const darkening = looks.uniform(...film.settings.gasDarkening);
  const vessels = drawVessels(anatomy, stream("vessels"), size);
  const bones = drawBones(anatomy, stream("bones"), size);
  const confounders = drawConfounders(anatomy, stream("confounders"), size, film);
  const { texture, unevenness } = drawNoise(stream("texture"), size);

  const attenuation = newField(size);
  const gasChange = newField(size);
  forEachSample(attenuation, (x, y, i) => {
    const body = tissue.body.values[i]!;
    const mediastinum = tissue.mediastinum.values[i]!;
    const abdomen = tissue.abdomen.values[i]!;
    const depth = tissue.lungDepth.values[i]!;
    const hidden = clamp(mediastinum);

    const flesh = body *
      (0.95 + unevenness.values[i]! + 0.27 * mediastinum + 0.3 * abdomen +
        confounders.folds.values[i]!);
    const bone = bones.ribs.values[i]! * (1 - 0.65 * hidden) * (1 - 0.5 * abdomen) +
      bones.others.values[i]!;
    const lung = air * depth * tissue.lungs.values[i]! * (1 - 0.9 * abdomen) * (1 - 0.5 * hidden);
    const content = (0.55 * markings * vessels.values[i]! + grain * texture.values[i]! +
      confounders.opacities.values[i]!) * tissue.lungs.values[i]! * Math.min(1, 0.25 + depth);
    attenuation.values[i] = flesh + 0.37 * (body > 0 ? bone : 0) + confounders.devices.values[i]! -
      0.14 * trachea(anatomy, x, y) - 0.92 * lung + content;
    gasChange.values[i] = -darkening * lung - content;
  });
  return { attenuation, gasChange, hasChestTube: confounders.hasChestTube };
}

/** Fine grain of the lung, and slow unevenness of the body. */
function drawNoise(random: Random, size: number): { texture: Field; unevenness: Field } {
  const texture = newField(size);
  addValueNoise(texture, random, { cell: 7, amplitude: 0.5 });
  addValueNoise(texture, random, { cell: 14, amplitude: 0.7 });
  addValueNoise(texture, random, { cell: 30, amplitude: 0.6 });
  const unevenness = newField(size);
  addValueNoise(unevenness, random, { cell: 260, amplitude: 0.05 });
  addValueNoise(unevenness, random, { cell: 110, amplitude: 0.025 });
  return { texture, unevenness };
}

/** The windpipe's column of air, 0 to 1. */
function trachea({ midline, apex }: Anatomy, x: number, y: number): number {
  const across = (x - midline) / 17;
  if (Math.abs(across) > 2) return 0;
  return Math.exp(-(across ** 4)) * smoothstep(apex + 260, apex + 200, y) * smoothstep(-20, 40, y);
}

/** Replaces lung by gas, in place, and draws the pleural line. Returns the mask. */
function addGas(
  attenuation: Field,
  gasChange: Field,
  lungs: Uint8Array,
  pneumothorax: Pneumothorax,
  pleura: { strength: number; pleuralWidth: number },
): Uint8Array {
  const edge = upsampleTwofold(pneumothorax.edge).values;
  const change = upsampleTwofold(gasChange).values;
  const mask = new Uint8Array(lungs.length);
  for (let i = 0; i < mask.length; i++) {
    const distance = edge[i]!;
    if (distance < -2 * pleura.pleuralWidth) continue;
    if (distance > 0) mask[i] = lungs[i]!;
    const line = lungs[i]! * clamp(1 - Math.abs(distance / pleura.pleuralWidth + 0.5));
    attenuation.values[i]! += smoothstep(-1.5, 1.5, distance) * change[i]! + pleura.strength * line;
  }
  return mask;
}
