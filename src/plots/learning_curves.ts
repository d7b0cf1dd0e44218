import type { TopLevelSpec } from "vega-lite";
import type { Checkpoint, EpochMetrics, Run } from "@/experiments/mod.ts";
import type { ChartOptions } from "./frame.ts";
import { type LineRow, lines } from "./lines.ts";

/** A metric that a run's record has for training and validation. */
export type CurveMetric = "loss" | "dice";

/** Runs of this many epochs get a smoothed line over the raw one. */
const SMOOTHED_FROM = 8;

/** Weight of the past in the smoothed line. */
const SMOOTHING = 0.4;

/** A stage that was trained before, as far as its curves are concerned. */
type Earlier = Pick<Run, "metrics"> & { experiment: Pick<Run["experiment"], "name"> };

/**
 * Learning curves of one run: a metric on the training and on the validation films, epoch by epoch.
 * Long runs are drawn smoothed, the raw line faint below.
 *
 * @param metrics Of the run's record.
 * @param options.best The epoch to put a ring around, on the validation line. Default: none.
 * @param options.earlier The stages before, the first one first: their validation is drawn in grey, and
 * epochs count from their beginning. Default: none.
 * @throws {RangeError} If there is no epoch.
 */
export function learningCurves(
  metrics: readonly EpochMetrics[],
  metric: CurveMetric,
  options: Pick<ChartOptions, "title" | "subtitle"> & {
    best?: number;
    earlier?: readonly Earlier[];
  },
): TopLevelSpec {
  const { best, earlier = [], ...titles } = options;
  const validation = metric === "loss" ? "validationLoss" : "validationDice";
  const starts = [0];
  for (const stage of earlier) starts.push(starts.at(-1)! + stage.metrics.length);
  const start = starts.at(-1)!;
  const rows: LineRow[] = metrics.flatMap((epoch) => [
    { x: start + epoch.epoch, y: finite(epoch[metric]), series: "train" },
    { x: start + epoch.epoch, y: finite(epoch[validation]), series: "validation" },
    ...(metric === "dice"
      ? [{
        x: start + epoch.epoch,
        y: finite(epoch.validationDicePositive),
        series: "validation, positives",
      }]
      : []),
  ]);
  return lines(rows, {
    ...titles,
    x: earlier.length === 0 ? "epoch" : "epoch of the whole chain",
    y: metric,
    wholeX: true,
    smoothing: metrics.length >= SMOOTHED_FROM ? SMOOTHING : 0,
    below: earlier.flatMap((stage, i) =>
      stage.metrics.map((epoch) => ({
        x: starts[i]! + epoch.epoch,
        y: finite(epoch[validation]),
        series: stage.experiment.name,
      }))
    ),
    ringed: metrics.filter(({ epoch }) => epoch === best)
      .map((epoch) => ({ x: start + epoch.epoch, y: epoch[validation]! })),
    // A stage begins between two epochs.
    marks: earlier.length === 0 ? [] : [
      ...earlier.slice(1).map((_, i) => ({ x: starts[i + 1]! + 0.5, text: `stage ${i + 2}` })),
      { x: start + 0.5, text: `stage ${earlier.length + 1}` },
    ],
  });
}

/**
 * The learning curves of a run with what they say as the title: the best epoch, which has a ring.
 *
 * @param options.earlier The runs that this one goes on from, the first one first, in grey. Default:
 * not drawn. Losses of stages that minimise different ones cannot be compared.
 * @throws {RangeError} If no epoch of the run has been validated.
 */
export function runCurves(
  run: Run,
  metric: CurveMetric,
  options: { earlier?: readonly Run[] } = {},
): TopLevelSpec {
  const { earlier = [] } = options;
  const best = run.checkpoints[`best-${metric}`];
  if (best === undefined) {
    throw new RangeError(
      `Cannot draw learning curves as no epoch has been validated: ${run.id} has ` +
        `${run.metrics.length} epochs`,
    );
  }
  return learningCurves(run.metrics, metric, {
    title: titleOf(run, metric, best),
    subtitle: subtitleOf(run, metric, earlier),
    best: best.epoch,
    earlier,
  });
}

function titleOf({ metrics }: Run, metric: CurveMetric, { epoch, value }: Checkpoint): string {
  if (metric === "dice") return `Best validation dice ${value!.toFixed(3)} after epoch ${epoch}`;
  const training = metrics.find((each) => each.epoch === epoch)!.loss!;
  return `Lowest validation loss ${value!.toPrecision(3)} after epoch ${epoch}, ` +
    `${training.toPrecision(3)} in training`;
}

function subtitleOf(
  { experiment, metrics }: Run,
  metric: CurveMetric,
  earlier: readonly Run[],
): string {
  const allEmpty = metrics.findLast((epoch) => epoch.validationDiceAllEmpty !== undefined)
    ?.validationDiceAllEmpty;
  return [
    experiment.name,
    ...(metric === "dice" ? [`all-empty masks score ${allEmpty!.toFixed(3)}`] : []),
    ...(metrics.length >= SMOOTHED_FROM ? ["smoothed over the raw values"] : []),
    ...(earlier.length > 0 ? ["grey: validation of the stages before"] : []),
  ].join("; ");
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
