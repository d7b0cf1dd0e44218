import type { TopLevelSpec } from "vega-lite";
import type { LossPoint } from "@/losses/mod.ts";
import { lines } from "./lines.ts";
import { percent } from "./percent.ts";

/** Losses of one pixel with pneumothorax over its logit, as `pixelLosses` computes them. */
export function pixelLossChart(points: readonly LossPoint[]): TopLevelSpec {
  // The logit of a probability of about 90 %.
  const EASY = 2.2;
  const bce = nearest(points, "bce", EASY), focal = nearest(points, "focal", EASY);
  const probability = 100 / (1 + Math.exp(-bce.x));
  return lines(rowsOf(points), {
    title: `A pixel at ${probability.toFixed(0)} % costs ${
      (bce.y / focal.y).toFixed(0)
    } times less by focal loss than by bce`,
    subtitle: "One pixel with pneumothorax",
    x: "logit (0 is a probability of 50 %)",
    y: "loss",
  });
}

/**
 * What an empty prediction costs for masks of several sizes, as `missedDiscLosses` computes it, relative
 * to the largest.
 */
export function missedMaskChart(points: readonly LossPoint[]): TopLevelSpec {
  const sizes = points.map(({ x }) => x);
  const [smallest, largest] = [Math.min(...sizes), Math.max(...sizes)];
  const share = (series: LossPoint["series"]) =>
    percent(nearest(points, series, smallest).y / nearest(points, series, largest).y);
  return lines(rowsOf(points).map((point) => ({ ...point, x: 100 * point.x })), {
    title: `A missed mask of ${percent(smallest)} costs bce ${share("bce")} of one of ${
      percent(largest)
    }, dice ${share("dice")}`,
    subtitle: "Loss of an empty prediction, relative to that for the largest mask; a disc, 64 px",
    x: "area of the mask (% of the film)",
    y: "relative loss",
    fromZero: true,
  });
}

/** How losses lead from the empty prediction to the mask, as `foundDiscLosses` computes it. */
export function foundMaskChart(points: readonly LossPoint[]): TopLevelSpec {
  const start = Math.min(...points.map(({ x }) => x));
  const fallen = (series: LossPoint["series"]) =>
    percent(1 - nearest(points, series, start / 2).y / nearest(points, series, start).y);
  return lines(rowsOf(points), {
    title: `Half way to a logit of 0, dice has fallen by ${fallen("dice")}, lovasz by ${
      fallen("lovasz")
    }`,
    subtitle: "Loss relative to that of the empty prediction; a disc of 2 % of the film",
    x: "logit of the mask's pixels",
    y: "relative loss",
    fromZero: true,
  });
}

/**
 * Losses of a network that says the same everywhere, for several shares of films with pneumothorax;
 * rings at the lowest points.
 *
 * @param curves By share of positive films, 0 to 1: points of one loss.
 */
export function constantLossChart(
  curves: readonly { positiveShare: number; points: readonly LossPoint[] }[],
): TopLevelSpec {
  const best = curves.map(({ positiveShare, points }) => {
    const lowest = points.reduce((best, point) => point.y < best.y ? point : best);
    return { ...lowest, positiveShare };
  });
  return lines(
    curves.flatMap(({ positiveShare, points }) =>
      points.map(({ x, y }) => ({ x, y, series: `${percent(positiveShare)} positive films` }))
    ),
    {
      title: `The best constant logit is ${
        best.map(({ x, positiveShare }) => `${x} with ${percent(positiveShare)} positive films`)
          .join(", ")
      }`,
      subtitle:
        `Mean ${curves[0]!.points[0]!.series} loss of films that get one logit everywhere; ` +
        "rings: lowest; masks of 2 %",
      x: "logit of every pixel",
      y: "loss",
      ringed: best.map(({ x, y }) => ({ x, y })),
    },
  );
}

function rowsOf(points: readonly LossPoint[]) {
  return points.map(({ x, y, series }) => ({ x, y, series }));
}

/** The point of a curve that is nearest to a place. */
function nearest(
  points: readonly LossPoint[],
  series: LossPoint["series"],
  place: number,
): LossPoint {
  const own = points.filter((point) => point.series === series);
  if (own.length === 0) {
    throw new RangeError(`Cannot compare losses as a curve is missing: ${series}`);
  }
  return own.reduce((best, point) =>
    Math.abs(point.x - place) < Math.abs(best.x - place) ? point : best
  );
}
