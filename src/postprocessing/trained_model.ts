import { type CheckpointName, type Run, runFolder } from "@/experiments/mod.ts";
import { createModel, type SegmentationModel } from "@/model/mod.ts";
import { assignGroup, CheckpointError, readCheckpoint } from "@/training/mod.ts";

/** A model with the weights of a run, and what it must be fed with. */
export interface TrainedModel {
  run: Run;
  model: SegmentationModel;
}

/**
 * Builds the model of a run and gives it the weights of one of its checkpoints.
 *
 * @param run A run's record.
 * @param options.checkpoint Default: "final".
 * @param options.runs The folder of run records. Default: `PNEUMOTHORAX_RUNS`, or `experiments/runs`.
 * @throws {CheckpointError} If the run has no such checkpoint, or its file is missing or damaged.
 */
export async function loadTrainedModel(
  run: Run,
  { checkpoint = "final", runs }: { checkpoint?: CheckpointName; runs?: string } = {},
): Promise<TrainedModel> {
  const written = run.checkpoints[checkpoint];
  if (!written) {
    throw new CheckpointError(
      `Cannot load the model of the run ${run.id} as it has no checkpoint "${checkpoint}": it has ` +
        `${Object.keys(run.checkpoints).join(", ") || "none"}, and its status is ${run.status}`,
    );
  }
  const stored = await readCheckpoint(runFolder(run.id, runs), written);
  const model = createModel({ ...run.experiment.model, seed: run.experiment.seed });
  try {
    const variables = new Map(model.weights.all.map(({ name, variable }) => [name, variable]));
    assignGroup(variables, stored.group("weights"), "weights");
  } catch (error) {
    model.dispose();
    throw error;
  }
  return { run, model };
}
