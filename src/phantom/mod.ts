/** The synthetic chest radiograph, and a data set of them in the competition's layout. */
export { difficulties, type Difficulty, type DifficultySettings } from "./difficulty.ts";
export { drawPhantom, type Phantom, type PhantomOptions } from "./draw.ts";
export {
  type PhantomDatasetOptions,
  PhantomError,
  type PhantomRecord,
  writePhantomDataset,
} from "./write_dataset.ts";
