/** Something is wrong with a data set as a whole, not with a single film. */
export class DatasetError extends Error {
  override readonly name = "DatasetError";
}
