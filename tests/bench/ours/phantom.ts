import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writePhantomDataset } from "@/phantom/mod.ts";

/** Where the bench keeps its films; git ignores it. */
export const PHANTOM = fileURLToPath(new URL("../../../data/bench/phantom", import.meta.url));
/** Its table of masks. */
export const PHANTOM_TABLE = join(PHANTOM, "train-rle.csv");
/** Its folder of films. */
export const PHANTOM_FILMS = join(PHANTOM, "dicom-images-train");

/** Draws the 200 films that the rows on data read; once, in two minutes. */
export async function writePhantom(): Promise<void> {
  await writePhantomDataset({ directory: PHANTOM, train: 200, test: 2, difficulty: "realistic" });
}
