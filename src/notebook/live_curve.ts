import type { EpochMetrics } from "@/experiments/mod.ts";
import { learningCurves, renderPicture } from "@/plots/mod.ts";
import { notebookHost } from "./kernel.ts";
import { show } from "./show.ts";

/** Milliseconds between two pictures; short epochs would spend their time drawing. */
const INTERVAL = 5000;

/**
 * The learning curve of a stage that is being trained, drawn anew in place after each epoch. Only in a
 * notebook; elsewhere it does nothing. When training has ended a line of text is left of it, so that a
 * saved notebook stays small: the whole curves are for the cells that follow.
 */
export class LiveCurve {
  readonly #displayId = crypto.randomUUID();
  #shownAt = -Infinity;
  #isShown = false;

  /** Draws the metrics of all epochs so far, at most every five seconds. */
  async update(metrics: readonly EpochMetrics[], epochs: number): Promise<void> {
    const now = performance.now();
    if (!notebookHost() || metrics.length === 0 || now - this.#shownAt < INTERVAL) return;
    this.#shownAt = now;
    const title = `Epoch ${metrics.length} of ${epochs}: ${bestText(metrics)}`;
    const { png, width, height } = await renderPicture(learningCurves(metrics, "dice", { title }));
    await this.#show(
      { "text/plain": `[chart] ${title}`, "image/png": png.toBase64() },
      { "image/png": { width, height } },
    );
  }

  /** Replaces the curve by a line that tells which epoch was best. */
  async finish(metrics: readonly EpochMetrics[]): Promise<void> {
    if (!this.#isShown) return;
    await this.#show({ "text/plain": `${metrics.length} epochs: ${bestText(metrics)}` }, {});
  }

  async #show(
    bundle: { "text/plain": string } & Record<string, unknown>,
    metadata: Record<string, unknown>,
  ): Promise<void> {
    const update = this.#isShown;
    this.#isShown = true;
    await show(bundle, { displayId: this.#displayId, update, metadata });
  }
}

/** The best validation so far, such as `best validation dice 0.794 in epoch 6`. */
export function bestText(metrics: readonly EpochMetrics[]): string {
  let best: EpochMetrics | undefined;
  for (const epoch of metrics) {
    const { validationDice = NaN } = epoch;
    if (validationDice > (best?.validationDice ?? -Infinity)) best = epoch;
  }
  if (best === undefined) return "no validation yet";
  return `best validation dice ${best.validationDice!.toFixed(3)} in epoch ${best.epoch}`;
}
