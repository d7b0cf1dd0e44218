import { tf } from "@/tensorflow/mod.ts";
import { type LossName, weightedLoss } from "./weighted_loss.ts";

/** The value of one loss for one simple prediction. */
export interface LossPoint {
  /** What was varied. */
  x: number;
  /** The loss. */
  y: number;
  series: LossName;
}

/** Side of the films on which discs are drawn, px. */
const SIDE = 64;

/** The logit of a background that the network is sure about: a probability of 0.0025. */
const SURE = -6;

/** Logits and truth of one square film; the truth is 0 or 1. */
interface Example {
  logits: number[];
  truth: number[];
}

/**
 * Each loss of a single pixel of the mask.
 *
 * @param logits What the network says of the pixel; they become `x`.
 */
export function pixelLosses(names: readonly LossName[], logits: readonly number[]): LossPoint[] {
  return curves(names, logits, (logit) => [{ share: 1, logits: [logit], truth: [1] }]);
}

/**
 * Each loss of a prediction that is empty where the truth is a disc.
 *
 * @param areas Areas of the disc as shares of the film, in `(0, 0.785]`; they become `x`.
 * @throws {RangeError} If a disc of that area does not fit into the film.
 */
export function missedDiscLosses(
  names: readonly LossName[],
  areas: readonly number[],
): LossPoint[] {
  return curves(names, areas, (area) => {
    const truth = disc(area);
    return [{ share: 1, logits: truth.map(() => SURE), truth }];
  });
}

/**
 * Each loss of a prediction that has the right disc, with all degrees of certainty.
 *
 * @param logits Of the disc's pixels; they become `x`. The background is surely empty.
 * @param area Of the disc as a share of the film, in `(0, 0.785]`.
 * @throws {RangeError} If a disc of that area does not fit into the film.
 */
export function foundDiscLosses(
  names: readonly LossName[],
  logits: readonly number[],
  area: number,
): LossPoint[] {
  const truth = disc(area);
  return curves(names, logits, (logit) => {
    return [{ share: 1, logits: truth.map((pixel) => pixel === 1 ? logit : SURE), truth }];
  });
}

/**
 * Each loss of a network that says the same of every pixel of every film: the mean over films of which
 * some show a disc and the others nothing, each film by itself.
 *
 * @param logits What the network says; they become `x`.
 * @param films.positiveShare Share of the films with a disc, in `[0, 1]`.
 * @param films.area Of the disc as a share of the film, in `(0, 0.785]`.
 * @throws {RangeError} If a disc of that area does not fit into the film.
 */
export function constantLosses(
  names: readonly LossName[],
  logits: readonly number[],
  { positiveShare, area }: { positiveShare: number; area: number },
): LossPoint[] {
  const truth = disc(area);
  const empty = truth.map(() => 0);
  return curves(names, logits, (logit) => {
    const same = truth.map(() => logit);
    return [
      { share: positiveShare, logits: same, truth },
      { share: 1 - positiveShare, logits: same, truth: empty },
    ];
  });
}

/** Each point's loss divided by the first one of its series. */
export function relativeToFirst(points: readonly LossPoint[]): LossPoint[] {
  return points.map((point) => {
    const first = points.find(({ series }) => series === point.series)!;
    return { ...point, y: point.y / first.y };
  });
}

/** Where each series is smallest: its lowest point, the first one of several. */
export function lowestPoints<T extends { y: number; series: string }>(points: readonly T[]): T[] {
  const names = [...new Set(points.map(({ series }) => series))];
  return names.map((name) => {
    const own = points.filter(({ series }) => series === name);
    return own.reduce((lowest, point) => point.y < lowest.y ? point : lowest);
  });
}

/** The losses of the examples that belong to each `x`, added up by their shares. */
function curves(
  names: readonly LossName[],
  xs: readonly number[],
  examples: (x: number) => (Example & { share: number })[],
): LossPoint[] {
  return names.flatMap((series) =>
    xs.map((x) => {
      const y = examples(x).reduce((sum, { share, ...each }) => {
        return sum + share * lossOf(series, each);
      }, 0);
      return { x, y, series };
    })
  );
}

function lossOf(name: LossName, { logits, truth }: Example): number {
  const side = Math.sqrt(logits.length);
  const shape: [number, number, number, number] = [1, side, side, 1];
  return tf.tidy(() => {
    const loss = weightedLoss({ [name]: 1 });
    return loss(tf.tensor4d(logits, shape), tf.tensor4d(truth, shape)).dataSync()[0]!;
  });
}

/** A disc in the middle of a film, as 0 and 1, row by row: the pixels nearest to the middle. */
function disc(area: number): number[] {
  if (!(area > 0 && area <= Math.PI / 4)) {
    throw new RangeError(
      `Cannot draw a disc as its share of the film must be above 0 and at most 0.785: ${area}`,
    );
  }
  const middle = (SIDE - 1) / 2;
  const distance = (i: number) => Math.hypot(i % SIDE - middle, Math.floor(i / SIDE) - middle);
  const nearest = Array.from({ length: SIDE ** 2 }, (_, i) => i)
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, Math.round(area * SIDE ** 2));
  const pixels = new Array<number>(SIDE ** 2).fill(0);
  for (const i of nearest) pixels[i] = 1;
  return pixels;
}
