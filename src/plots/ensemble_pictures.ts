import type { EnsembleViews } from "@/postprocessing/mod.ts";
import type { Film } from "./film_grid.ts";

/**
 * The parts of an ensemble's prediction as pictures, a row of four for each model (the film as the model
 * sees it, what it says of it, of its mirror image, their mean) and one for all together.
 *
 * @param film Square, as large as the maps: grey values, annotation and the final mask.
 */
export function ensemblePictures(
  { members, mean }: EnsembleViews,
  film: Required<Pick<Film, "grey" | "truth" | "prediction">>,
): Film[] {
  const { grey, truth, prediction } = film;
  const map = (probabilities: Float32Array, caption: string): Film => {
    return { grey, probabilities, caption };
  };
  const rows = members.flatMap(({ member, plain, mirrored, mean }) => [
    { grey, caption: `film, for ${member.run.experiment.data.size} px` },
    map(plain, "as it is"),
    map(mirrored, "mirrored, turned back"),
    map(mean, "mean of both"),
  ]);
  return [
    ...rows,
    { grey, truth, caption: "annotation" },
    map(mean, `mean of ${members.length} models`),
    { grey, prediction, caption: "mask" },
    { grey, truth, prediction, caption: "both" },
  ];
}
