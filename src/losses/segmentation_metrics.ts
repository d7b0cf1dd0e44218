/** Metrics over a set of images. */
export interface MetricValues {
  /** Mean dice, where an empty prediction of an empty truth counts 1, as the competition has it. */
  dice: number;
  /** Mean intersection over union, with the same rule. */
  iou: number;
  /** Mean dice over the images with pneumothorax; NaN if there are none. */
  dicePositive: number;
  /** Share of the images without pneumothorax whose prediction is empty; NaN if there are none. */
  diceNegative: number;
  /** What predicting the empty mask for every image would score. */
  diceAllEmpty: number;
  /** Of the images predicted to have pneumothorax, the share that has; NaN if there are none. */
  precision: number;
  /** Of the images with pneumothorax, the share predicted to have; NaN if there are none. */
  recall: number;
  /** How many images. */
  count: number;
}

/** Gathers metrics image by image, in constant memory. */
export class SegmentationMetrics {
  #count = 0;
  #dice = 0;
  #iou = 0;
  #dicePositive = 0;
  #positives = 0;
  #emptyRight = 0;
  #truePositives = 0;
  #predictedPositives = 0;

  /**
   * Adds one image.
   *
   * @param overlap Pixels in prediction and truth.
   * @param predicted Pixels in the prediction.
   * @param truth Pixels in the truth.
   */
  add(overlap: number, predicted: number, truth: number): void {
    if (!(overlap >= 0 && overlap <= Math.min(predicted, truth))) {
      throw new RangeError(
        `Cannot add an image's overlap as it must be in [0, min(prediction, truth)]: ` +
          `${overlap} of ${predicted} and ${truth} pixels`,
      );
    }
    const total = predicted + truth;
    const dice = total === 0 ? 1 : 2 * overlap / total;
    this.#count++;
    this.#dice += dice;
    this.#iou += total === 0 ? 1 : overlap / (total - overlap);
    if (predicted > 0) this.#predictedPositives++;
    if (truth === 0) {
      if (predicted === 0) this.#emptyRight++;
    } else {
      this.#positives++;
      this.#dicePositive += dice;
      if (predicted > 0) this.#truePositives++;
    }
  }

  /** The metrics of all images so far. */
  values(): MetricValues {
    const negatives = this.#count - this.#positives;
    return {
      dice: this.#dice / this.#count,
      iou: this.#iou / this.#count,
      dicePositive: this.#dicePositive / this.#positives,
      diceNegative: this.#emptyRight / negatives,
      diceAllEmpty: negatives / this.#count,
      precision: this.#truePositives / this.#predictedPositives,
      recall: this.#truePositives / this.#positives,
      count: this.#count,
    };
  }
}
