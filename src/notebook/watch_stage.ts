import type { StageOptions } from "@/training/mod.ts";
import { clearBar, Progress } from "./progress.ts";

/** What a stage calls while it trains. */
export type StageWatcher = Required<
  Pick<StageOptions, "onPrepare" | "onStart" | "onBatch" | "onEpoch">
>;

/**
 * Shows how far a stage is, in a notebook or a terminal: a bar while films are prepared, a bar while
 * it trains (films a second, time left, loss), and a line for each epoch.
 *
 * @example
 * ```ts ignore
 * const run = await trainStage(experiment, watchStage());
 * ```
 */
export function watchStage(): StageWatcher {
  let preparing: Progress | undefined;
  let training: Progress | undefined;
  return {
    onPrepare({ done, total, reused }) {
      if (done === reused) return;
      // The clock starts now: films before this one do not count for the speed.
      preparing ??= new Progress(total, { label: "preparing", unit: "films", start: done });
      void preparing.update(done);
      if (done === total) void preparing.finish();
    },
    onStart({ id, data: { films }, resumed, metrics, workers }) {
      const goesOn = resumed.length > 0 ? `, going on after epoch ${metrics.length}` : "";
      console.log(
        `run ${id}: ${films.train} films, ${films.validation} for validation${goesOn}` +
          workersText([workers, ...resumed.map((resumed) => resumed.workers)]),
      );
    },
    onBatch({ epoch, epochs, films, filmsInAll, loss }) {
      // The first batch waits for the trace: it does not count for the speed.
      training ??= new Progress(filmsInAll, { label: "training", unit: "films", start: films });
      const note = `epoch ${epoch}/${epochs}, loss ${loss.toFixed(3)}`;
      void training.update(films, note);
      if (films === filmsInAll) void training.finish();
    },
    onEpoch(metrics) {
      const last = metrics.at(-1)!;
      const shown = {
        "loss": last.loss,
        "dice": last.dice,
        "validation loss": last.validationLoss,
        "validation dice": last.validationDice,
        "over positives": last.validationDicePositive,
      };
      const parts = Object.entries(shown).flatMap(([name, value]) =>
        value === undefined || Number.isNaN(value) ? [] : [`${name} ${value.toFixed(3)}`]
      );
      clearBar();
      console.log(`epoch ${last.epoch}: ${parts.join(", ")}, ${last.seconds?.toFixed(1)} s`);
    },
  };
}

/** Of the run's starts, the last of them being this one. */
function workersText(starts: readonly number[]): string {
  const [before, now] = [starts.at(-2), starts.at(-1)!];
  if (before !== undefined && before !== now) return `, with ${now} workers instead of ${before}`;
  return now === 1 ? "" : `, with ${now} workers`;
}
