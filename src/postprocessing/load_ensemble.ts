import type { Member } from "@/experiments/mod.ts";
import { Ensemble, type EnsembleOptions } from "./ensemble.ts";
import { loadTrainedModel, type TrainedModel } from "./trained_model.ts";

/**
 * Loads the models of an ensemble: runs of any size and fold, any of their checkpoints.
 *
 * @param members At least one.
 * @param options.runs The folder of run records. Default: `PNEUMOTHORAX_RUNS`, or `experiments/runs`.
 * @throws {CheckpointError} If a checkpoint cannot be loaded; what was loaded before is freed.
 */
export async function loadEnsemble(
  members: readonly Member[],
  { runs, ...options }: EnsembleOptions & { runs?: string } = {},
): Promise<Ensemble> {
  const models: TrainedModel[] = [];
  try {
    for (const { run, checkpoint } of members) {
      const where = runs === undefined ? {} : { runs };
      models.push(await loadTrainedModel(run, { checkpoint, ...where }));
    }
    return new Ensemble(models, options);
  } catch (error) {
    for (const { model } of models) model.dispose();
    throw error;
  }
}
