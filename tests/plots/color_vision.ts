/** How colours look to readers: contrast, and distance with and without the green or red cones. */

type Triple = [number, number, number];

/**
 * What a color is to a reader without red (protanopia) or green (deuteranopia) cones, on linear RGB
 * (Machado, Oliveira & Fernandes 2009, severity 1.0).
 */
const CONES: Record<"all" | "protanopia" | "deuteranopia", Triple[]> = {
  all: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
  ],
};

/** From sRGB, "#RRGGBB", to linear RGB, 0 to 1 (IEC 61966-2-1). */
function linear(color: string): Triple {
  return [1, 3, 5].map((at) => {
    const value = parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as Triple;
}

function multiply(matrix: Triple[], [r, g, b]: Triple): Triple {
  return matrix.map(([x, y, z]) => x * r + y * g + z * b) as Triple;
}

/** CIELAB with the white of D65. */
function lab(rgb: Triple): Triple {
  const toXyz: Triple[] = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
  ];
  const white = [0.95047, 1, 1.08883];
  const [x, y, z] = multiply(toXyz, rgb.map((value) => Math.min(1, Math.max(0, value))) as Triple)
    .map((value, i) => {
      const share = value / white[i]!;
      return share > 216 / 24389 ? Math.cbrt(share) : (24389 / 27 * share + 16) / 116;
    }) as Triple;
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** Distance of two colours in CIELAB (CIE 1976); 2.3 is just noticeable. */
export function distance(a: string, b: string, cones: keyof typeof CONES = "all"): number {
  const [left, right] = [a, b].map((color) => lab(multiply(CONES[cones], linear(color))));
  return Math.hypot(...left!.map((value, i) => value - right![i]!));
}

/** Contrast of two colours, 1 to 21 (WCAG 2.2). */
export function contrast(a: string, b: string): number {
  const [low, high] = [a, b].map((color) => {
    const [r, g, b] = linear(color);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }).sort((a, b) => a - b);
  return (high! + 0.05) / (low! + 0.05);
}
