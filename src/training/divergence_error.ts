/** Training went to numbers that are not finite: the same steps would lead there again. */
export class DivergenceError extends RangeError {
  override name = "DivergenceError";
}
