import { type Patience, PATIENT, watch } from "./patience.ts";
import { learningRateAt, type Schedule } from "./schedule.ts";

/** The learning rate at one place of a stage. */
export interface ScheduledRate {
  /** Epochs done, a fraction within an epoch. */
  epoch: number;
  rate: number;
}

/** Places in an epoch where a curve is drawn. */
const PLACES = 10;

/**
 * The learning rate over a whole stage, for a chart.
 *
 * @param epochs Epochs of the stage.
 * @param values The watched metric after each epoch, which the schedule "plateau" follows. Where there
 * are fewer, it is as if no other epoch were validated. Default: none.
 * @returns Ten places an epoch, and the stage's end.
 */
export function scheduleCurve(
  schedule: Schedule,
  epochs: number,
  values: readonly number[] = [],
): ScheduledRate[] {
  let plateau: Patience = PATIENT;
  const rates: ScheduledRate[] = [];
  for (let i = 0; i < epochs * PLACES; i++) {
    const done = Math.floor(i / PLACES);
    const value = values[done - 1];
    if (i % PLACES === 0 && value !== undefined && schedule.schedule === "plateau") {
      plateau = watch(plateau, value, schedule);
    }
    const epoch = i / PLACES;
    rates.push({ epoch, rate: learningRateAt(schedule, epoch, epochs, plateau.exhausted) });
  }
  const rate = learningRateAt(schedule, epochs, epochs, plateau.exhausted);
  return [...rates, { epoch: epochs, rate }];
}
