import { FILM_SIZE, type FilmFile } from "@/data/mod.ts";
import type { Member } from "@/experiments/mod.ts";
import { loadEnsemble } from "./load_ensemble.ts";
import { averageProbabilities } from "./probabilities.ts";
import { resizeBilinear } from "./resize.ts";

/** What each model of an ensemble says of one film, and what they say together. */
export interface EnsembleViews {
  /** Rows and columns of all maps. */
  size: number;
  /** In the order of the models; maps are row-major. // [size * size] */
  members: { member: Member; plain: Float32Array; mirrored: Float32Array; mean: Float32Array }[];
  mean: Float32Array;
}

/**
 * The parts of an ensemble's prediction of one film: each model on the film as it is and mirrored
 * (turned back), their means, and the mean of all.
 *
 * @param members At least one.
 * @param size Rows and columns of the maps that are returned; for a look, not for a submission.
 */
export async function ensembleViews(
  members: readonly Member[],
  film: FilmFile,
  { root, size, runs }: { root: string; size: number; runs?: string },
): Promise<EnsembleViews> {
  const where = runs === undefined ? {} : { runs };
  const predictOne = async (member: Member, flip: boolean) => {
    const ensemble = await loadEnsemble([member], { flip, ...where });
    try {
      const { value } = await ensemble.predict([film], { root }).next();
      return resizeBilinear(value!.probabilities, FILM_SIZE, size);
    } finally {
      ensemble.dispose();
    }
  };
  const views: EnsembleViews["members"] = [];
  for (const member of members) {
    const plain = await predictOne(member, false);
    const mean = await predictOne(member, true);
    // The mean of both is what a model gives: the mirrored view is what it takes to get there.
    const mirrored = mean.map((value, i) => Math.min(1, Math.max(0, 2 * value - plain[i]!)));
    views.push({ member, plain, mirrored, mean });
  }
  return { size, members: views, mean: averageProbabilities(views.map(({ mean }) => mean)) };
}
