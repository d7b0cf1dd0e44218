/** How long a metric has not improved; plain data, for checkpoints. */
export interface Patience {
  /** The best value so far. */
  best: number | null;
  /** Validations since then. */
  waited: number;
  /** How often the patience has run out. */
  exhausted: number;
}

/** What counts as an improvement, and how many validations may pass without one. */
export interface PatienceRule {
  /** Of the validation films. A loss improves by falling, the others by rising. */
  metric: "loss" | "iou" | "dice";
  patience: number;
  /** An improvement is a change of more than this. */
  minimumChange: number;
}

/** Before the first validation. */
export const PATIENT: Patience = { best: null, waited: 0, exhausted: 0 };

/**
 * The state after one more validation, as Keras's `ReduceLROnPlateau` and `EarlyStopping` count: when
 * `patience` validations in a row were no improvement it is exhausted, and the count starts anew.
 *
 * @param value The metric's value. NaN is no improvement.
 */
export function watch(state: Patience, value: number, rule: PatienceRule): Patience {
  const sign = rule.metric === "loss" ? -1 : 1;
  const hasImproved = state.best === null
    ? !Number.isNaN(value)
    : sign * value > sign * state.best + rule.minimumChange;
  if (hasImproved) return { ...state, best: value, waited: 0 };
  const waited = state.waited + 1;
  if (waited < rule.patience) return { ...state, waited };
  return { ...state, waited: 0, exhausted: state.exhausted + 1 };
}
