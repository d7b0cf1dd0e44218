/** "clear": for learning within minutes. "realistic": the competition's statistics, subtle. */
export type Difficulty = "clear" | "realistic";

type Interval = readonly [low: number, high: number];

/** What a difficulty means. */
export interface DifficultySettings {
  /** Share of films with a pneumothorax. */
  prevalence: number;
  /** Share of the film that gas covers: `exp(N(logMean, logDeviation))`, held within limits. */
  coverage: { logMean: number; logDeviation: number; limits: Interval };
  /** How much darker gas is than lung, as a share of the lung's depth. */
  gasDarkening: Interval;
  /** Attenuation of the pleural line. */
  pleuralLine: Interval;
  /** Half-width of the pleural line's shadow, in film units. */
  pleuralWidth: number;
  /** Chance of a chest tube, a known shortcut for classifiers, in films with and without gas. */
  chestTube: { positive: number; negative: number };
  skinFold: number;
  opacities: number;
  /** Strength of vessels and texture. */
  markings: Interval;
}

/** The statistics of "realistic" are those of the competition's 12,047 training masks. */
export const difficulties: Readonly<Record<Difficulty, DifficultySettings>> = {
  clear: {
    prevalence: 0.45,
    coverage: { logMean: Math.log(0.04), logDeviation: 0.5, limits: [0.008, 0.11] },
    gasDarkening: [0.26, 0.34],
    pleuralLine: [0.1, 0.14],
    pleuralWidth: 4,
    chestTube: { positive: 0.1, negative: 0.1 },
    skinFold: 0.1,
    opacities: 0.2,
    markings: [0.8, 1.15],
  },
  realistic: {
    prevalence: 0.2215,
    coverage: { logMean: -4.83, logDeviation: 1.086, limits: [0.0004, 0.16] },
    gasDarkening: [0.05, 0.16],
    pleuralLine: [0.025, 0.1],
    pleuralWidth: 2.8,
    chestTube: { positive: 0.35, negative: 0.12 },
    skinFold: 0.3,
    opacities: 0.35,
    markings: [0.75, 1.25],
  },
};
