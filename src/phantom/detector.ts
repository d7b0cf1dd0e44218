import { Random } from "@/random/mod.ts";
import { clamp, type Field } from "./grid.ts";

/** How attenuation becomes grey levels. */
export interface Exposure {
  /** Photons a pixel without a patient. */
  dose: number;
  /** Attenuation shown as black and as white. */
  black: number;
  white: number;
  gamma: number;
}

export function drawExposure(random: Random): Exposure {
  return {
    dose: random.uniform(900, 3500),
    black: random.uniform(-0.02, 0.08),
    white: random.uniform(1.24, 1.42),
    gamma: random.uniform(0.62, 0.9),
  };
}

/** Nepers of a unit of attenuation. */
const nepers = 2.2;
/** Share of the quantum noise that the scanner's own processing leaves. */
const noiseLeft = 0.35;
const levels = 4096;
const noisePeriod = 1 << 20;
let noise: Float32Array | undefined;

/**
 * A period of normal numbers, drawn once a process: a film reads it from a place of its own. The
 * seed is fixed, so a film does not depend on who draws it.
 */
function normalNoise(): Float32Array {
  if (!noise) {
    const random = new Random(0, "phantom", "detector noise");
    noise = Float32Array.from({ length: noisePeriod }, () => random.normal());
  }
  return noise;
}

/**
 * Exposes the film: quantum noise (the Poisson law's normal limit, its deviation in the logarithm
 * being `1 / √photons`), window and gamma.
 *
 * @param attenuation About 0 (air) to 1.5 (spine).
 * @returns Grey levels, 0 air to 255, row by row.
 */
export function expose({ values }: Field, random: Random, exposure: Exposure): Uint8Array {
  const { dose, black, white, gamma } = exposure;
  const curve = Uint8Array.from(
    { length: levels + 1 },
    (_, level) => Math.round(255 * (level / levels) ** gamma),
  );
  const deviation = Float32Array.from({ length: levels + 1 }, (_, level) => {
    const shown = black + (level / levels) * (white - black);
    const photons = dose * Math.exp(-nepers * shown) + 3;
    return noiseLeft / nepers / Math.sqrt(photons);
  });
  const scale = levels / (white - black);
  const normals = normalNoise();
  const first = random.integer(noisePeriod);
  const second = random.integer(noisePeriod);
  const image = new Uint8Array(values.length);
  for (let i = 0; i < image.length; i++) {
    const clean = (values[i]! - black) * scale;
    // Two readings, one of them backwards: no two films share a pattern of noise.
    const normal = (normals[(first + i) & (noisePeriod - 1)]! +
      normals[(second - i) & (noisePeriod - 1)]!) * Math.SQRT1_2;
    const noisy = clean + normal * deviation[clamp(clean, 0, levels) | 0]! * scale;
    image[i] = curve[clamp(noisy, 0, levels) | 0]!;
  }
  return image;
}
