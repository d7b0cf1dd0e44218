import { join } from "node:path";
import { encodeRle } from "@/data/rle.ts";
import { encodeJpeg, writeDicom } from "@/dicom/mod.ts";
import { writeFileAtomic } from "@/files/mod.ts";
import type { Difficulty } from "./difficulty.ts";
import { drawPhantom } from "./draw.ts";
import { filmUnits } from "./grid.ts";
import type { FilmPlan } from "./plan.ts";
import { splitMask } from "./split_mask.ts";

/** Holds what is known of a data set that is not complete yet; removed at the end. */
export const partialFolder = "phantom.partial";

/** What is true about a film that was written; kept until the tables are. */
export interface FilmTruth {
  /** The run lengths of each row; a single `-1` without a pneumothorax. */
  rows: string[];
  /** The run lengths of the whole mask. */
  union: string;
}

/** Where a film's DICOM file lies, from the data set's folder: study, series and image. */
export function dicomPath({ split, studyInstanceUid, seriesInstanceUid, imageId }: FilmPlan) {
  return join(
    `dicom-images-${split}`,
    studyInstanceUid,
    seriesInstanceUid,
    `${imageId}.dcm`,
  );
}

/** Where a film's truth lies while the data set is not complete. */
export function truthPath({ imageId }: FilmPlan): string {
  return join(partialFolder, `${imageId}.json`);
}

/** Draws a film and writes its DICOM file, then its truth: a film with a truth is done. */
export async function writeFilm(
  directory: string,
  plan: FilmPlan,
  difficulty: Difficulty,
): Promise<void> {
  const { seed, positive, sex, view, inverted } = plan;
  const { image, mask } = drawPhantom(seed, { difficulty, positive, sex, view });
  if (inverted) {
    for (let i = 0; i < image.length; i++) image[i] = 255 - image[i]!;
  }
  await writeDicom(
    join(directory, dicomPath(plan)),
    {
      pixels: { jpeg: await encodeJpeg(image, filmUnits, filmUnits) },
      width: filmUnits,
      height: filmUnits,
      photometricInterpretation: inverted ? "MONOCHROME1" : "MONOCHROME2",
    },
    {
      patientId: plan.patientId,
      studyInstanceUid: plan.studyInstanceUid,
      seriesInstanceUid: plan.seriesInstanceUid,
      sopInstanceUid: plan.imageId,
      sex,
      age: String(plan.age), // without the unit, as in the competition's files
      view,
    },
  );
  const encode = (part: Uint8Array) => encodeRle(part, filmUnits, filmUnits);
  const union = encode(mask);
  const rows = plan.parts === 1 || !positive
    ? [union]
    : splitMask(mask, filmUnits, plan.parts, plan.overlapping).map(encode);
  const truth: FilmTruth = { rows, union };
  await writeFileAtomic(join(directory, truthPath(plan)), JSON.stringify(truth));
}
