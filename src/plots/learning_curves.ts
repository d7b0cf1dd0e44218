import type { TopLevelSpec } from "vega-lite";
import type { EpochMetrics } from "@/experiments/mod.ts";
import { type LineRow, lines } from "./charts.ts";

/** A metric that a run's record has for training and validation. */
export type CurveMetric = "loss" | "dice";

/**
 * Learning curves of one run: a metric on the training and on the validation films, epoch by epoch.
 *
 * @param metrics Of the run's record.
 * @throws {RangeError} If there is no epoch.
 */
export function learningCurves(
  metrics: readonly EpochMetrics[],
  metric: CurveMetric,
  options: { title: string; subtitle?: string },
): TopLevelSpec {
  const validation = metric === "loss" ? "validationLoss" : "validationDice";
  const rows: LineRow[] = metrics.flatMap((epoch) => [
    { x: epoch.epoch, y: finite(epoch[metric]), series: "train" },
    { x: epoch.epoch, y: finite(epoch[validation]), series: "validation" },
    ...(metric === "dice"
      ? [{
        x: epoch.epoch,
        y: finite(epoch.validationDicePositive),
        series: "validation, positives",
      }]
      : []),
  ]);
  return lines(rows, { ...options, x: "epoch", y: metric, wholeX: true });
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
